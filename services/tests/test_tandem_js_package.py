"""tandem.js as a file: small, typed, and a package that npm takes."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from pathlib import Path

import pytest

import tandem
from rig.servers import SERVICES, find_program, npm_file

FOLDER = SERVICES / "tandem/tandem/static/tandem"
SDK = Path(__file__).with_name("sdk")
# Bytes, as gzip -9 has them: what a page loads before it is live.
LIMITS = {"tandem.js": 10 * 1024, "tandem-live.js": 8 * 1024, "tandem-inbox.js": 12 * 1024}


@pytest.mark.parametrize("name", LIMITS)
def test_a_page_does_not_load_much(name: str) -> None:
    """The source is what is served; compressed it stays below its limit."""
    size = len(gzip.compress((FOLDER / name).read_bytes(), 9))
    print(f"{name}: {size} bytes")

    assert size <= LIMITS[name]


@pytest.mark.parametrize("name", LIMITS)
def test_no_module_imports_a_foreign_one(name: str) -> None:
    """No dependency, and nothing that a strict Content-Security-Policy would stop."""
    text = (FOLDER / name).read_text()

    assert [found for found in re.findall(r'from "(.+?)"', text) if not found.startswith("./")] == []
    assert re.findall(r"\beval\(|new Function|\.style\b|javascript:", text) == []


def test_the_types_are_those_of_the_code() -> None:
    """A page in TypeScript, right and wrong lines of it, as tsc sees it."""
    compiler = npm_file(".bin/tsc")
    command = [str(compiler), "--project", str(SDK / "types")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (found.returncode, found.stdout) == (0, "")


def test_npm_packs_it(tmp_path: Path) -> None:
    """The modules and their types, and nothing else."""
    command = [find_program("npm"), "pack", "--json", "--pack-destination", str(tmp_path)]
    packed = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=True)
    [package] = json.loads(packed.stdout)
    files = sorted(each["path"] for each in package["files"])

    assert files == sorted([*(path.name for path in FOLDER.glob("tandem*")), "package.json"])
    assert (tmp_path / package["filename"]).is_file()


def test_one_version() -> None:
    """The module, its package and the library: a worker of another version is not used."""
    [of_module] = re.findall(r'const VERSION = "(.+)"', (FOLDER / "tandem.js").read_text())

    assert of_module == tandem.__version__
    assert json.loads((FOLDER / "package.json").read_text())["version"] == tandem.__version__
