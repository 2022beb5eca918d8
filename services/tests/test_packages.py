"""The packages that a team installs: built from a copy of their folder, through their sdist, with all they need."""

from __future__ import annotations

import re
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from rig.servers import SERVICES
from rig.stranger import build_wheels

FOLDERS = {"tandem": "tandem", "realtime": "tandem_realtime"}
KINDS = {".lua", ".js", ".css", ".html", ".typed", ".ts"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with wheels and sdists. build makes the wheel from the sdist."""
    directory = tmp_path_factory.mktemp("built")
    build_wheels(directory)
    return directory


def contents(folder: str) -> set[str]:
    """What belongs into a package, by the repository."""
    root = SERVICES / folder
    files = {path for path in (root / FOLDERS[folder]).rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    return {str(path.relative_to(root)) for path in files if path.suffix in {*KINDS, ".py"}}


@pytest.mark.parametrize("folder", FOLDERS)
def test_wheel_has_every_file(built: Path, folder: str) -> None:
    """Scripts, static files, templates, migrations, types, license."""
    [wheel] = built.glob(f"django_{FOLDERS[folder]}-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())

    assert contents(folder) - names == set()
    assert f"{FOLDERS[folder]}/py.typed" in names
    assert [name for name in names if name.endswith("licenses/LICENSE")]


@pytest.mark.parametrize("folder", FOLDERS)
def test_sdist_has_every_file(built: Path, folder: str) -> None:
    """What the wheel was built from."""
    [sdist] = built.glob(f"django_{FOLDERS[folder]}-*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert contents(folder) - names == set()
    assert {"LICENSE", "README.md", "pyproject.toml"} <= names


def test_django_is_the_projects_own() -> None:
    """Nothing that the package declares would replace an installed Django, the newest included."""
    project = tomllib.loads((SERVICES / "tandem" / "pyproject.toml").read_text())["project"]
    [django] = [each for each in map(Requirement, project["dependencies"]) if each.name == "django"]
    extras = {
        name: [Requirement(each).name for each in wanted] for name, wanted in project["optional-dependencies"].items()
    }

    assert {version: django.specifier.contains(version) for version in ("5.1.9", "5.2", "6.0.1", "6.9")} == {
        "5.1.9": False,
        "5.2": True,
        "6.0.1": True,
        "6.9": True,
    }
    assert {"realtime", "pg", "traces", "metrics"} <= extras.keys()
    assert not [name for names in extras.values() for name in names if re.fullmatch("(?i)django", name)]
