"""
Names that have to agree across files, compared in one place.

What is missing where it is looked for fails. To add a name: a function that reads it from each file, and a test.
"""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path

import httpx
import pytest
import yaml

from demo.settings import ROOT
from rig.servers import SERVICES
from rig.stack import Stack
from tandem.conf import PREFIX, Settings

CHART = ROOT / "charts/tandem"
DOCS = SERVICES / "tandem/docs"


def text(path: Path) -> str:
    """The file, which must be there."""
    return path.read_text()


def texts(folder: Path, *patterns: str) -> str:
    """All files of a folder that match, one after the other."""
    found = [path for pattern in patterns for path in sorted(folder.rglob(pattern))]
    assert found, f"nothing in {folder} matches {patterns}"
    return "\n".join(path.read_text() for path in found)


def section(page: str, heading: str) -> str:
    """The part of a page of the docs under a heading, up to the next one."""
    found = re.search(rf"^#+ {heading}$(.*?)(?=^#+ |\Z)", text(DOCS / page), re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no section {heading}"
    return found[1]


def first_column(table: str) -> set[str]:
    """The names in backticks in the first column of every row."""
    return {name for row in re.findall(r"^\|([^|]*)\|", table, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)}


# -- Environment variables ------------------------------------------------------------------------

VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
# Read by Django, Python, the metrics library or a server's own image, not by our settings.
FOREIGN = re.compile(r"(PYTHON|PROMETHEUS_|POSTGRES|PG|REDIS|OTEL_|DJANGO_SETTINGS_MODULE|POD_)")
READS = {"get", "required", "_required", "str", "bool", "int", "float", "list", "dict", "json", "url"}


SETTINGS = [
    SERVICES / part
    for part in ("api/api/settings.py", "realtime/tandem_realtime/settings.py", "tandem/tandem/gunicorn.py")
]


def variables_read() -> set[str]:
    """What the settings modules ask the environment for."""
    found = {PREFIX + name.upper() for name in Settings.__struct_fields__}
    for path in SETTINGS:
        for node in ast.walk(ast.parse(text(path))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                words = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
                found |= {word for word in words if name in READS and VARIABLE.fullmatch(word)}
    return found


def test_variables_of_the_docs_are_those_of_the_settings() -> None:
    """The table of settings is complete and true."""
    documented = {name for name in first_column(section("settings.md", "Settings")) if VARIABLE.fullmatch(name)}

    assert documented == {name for name in variables_read() if not FOREIGN.match(name)}


def variables_set() -> set[str]:
    """What the chart's templates, the rendered manifests, and compose for our own images name."""
    manifests = texts(ROOT / "k8s/manifests", "*.yaml")
    composed = [
        each for each in yaml.safe_load(text(SERVICES / "compose.yaml"))["services"].values() if "build" in each
    ]
    templates = texts(CHART / "templates", "*.tpl")
    return {
        *(found[0] for found in re.finditer(rf"(?<=\bname: ){VARIABLE.pattern}(?=\s)", manifests)),
        *(found[0] for found in re.finditer(rf'(?<="){VARIABLE.pattern}(?=")', templates)),
        *(name for service in composed for name in service["environment"]),
    }


def test_variables_of_the_chart_are_read() -> None:
    """Every variable that the chart sets is one that somebody reads."""
    assert {name for name in variables_set() if not FOREIGN.match(name)} - variables_read() == set()


# -- Metrics --------------------------------------------------------------------------------------

SERIES = re.compile(r"(?<!/)\btandem_[a-z_]*[a-z]\b")


def names_of_metrics(where: str) -> set[str]:
    """The names that queries or prose mention, without the suffixes of histograms; recorded series have colons."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in SERIES.findall(where)}


@pytest.fixture(scope="module")
def exported(stack: Stack) -> set[str]:
    """What both services export while they run. Several processes of gunicorn export what was used only."""
    httpx.post(f"{stack.counter_url}increment/").raise_for_status()
    ports = (stack.private_port, int(stack.environ["TANDEM_METRICS_PORT"]))
    pages = [httpx.get(f"http://127.0.0.1:{port}/metrics").text for port in ports]
    return set(re.findall(r"^# TYPE (tandem_\w+)", "\n".join(pages), re.MULTILINE))


def test_metrics_of_the_chart_exist(exported: set[str]) -> None:
    """Every series in a panel, an alert or an autoscaler is exported."""
    used = names_of_metrics(texts(CHART, "dashboards/*.json", "alerts/*.yaml", "templates/**/scaledobject.yaml"))

    assert used - exported == set()


def test_metrics_of_the_docs_are_those_of_the_code(exported: set[str]) -> None:
    """The table of metrics is complete and true."""
    documented = {name.partition("{")[0] for name in first_column(section("operations.md", "Metrics"))}

    assert documented == exported


# -- The path ---------------------------------------------------------------------------------------


def test_ws_is_the_path_everywhere() -> None:
    """Routing, edge, chart and page agree that sockets live under /ws."""
    users = {
        "edge": text(ROOT / "ingress/local.conf"),
        "routing": texts(SERVICES / "realtime/tandem_realtime", "endpoints.py", "routing.py"),
        "page": texts(SERVICES / "api", "*.js"),
        "ingress": text(CHART / "templates/routing/ingress.yaml"),
        "gateway": text(CHART / "templates/routing/httproute.yaml"),
    }

    assert [name for name, content in users.items() if "/ws" not in content and '"ws' not in content] == []


@pytest.mark.parametrize("name", ["local.conf", "nginx.conf"])
def test_edge_of_the_chart_is_the_edge(name: str) -> None:
    """A chart cannot reach outside its folder, so it has a copy: the same, byte for byte."""
    copy = text(CHART / "files" / name)

    assert copy == text(ROOT / "ingress" / name)


# -- Versions ---------------------------------------------------------------------------------------


def test_one_version() -> None:
    """Packages, library, chart and changelog are of one version."""
    versions = {
        str(path.relative_to(ROOT)): tomllib.loads(path.read_text())["project"].get("version")
        for path in SERVICES.glob("*/pyproject.toml")
    }
    versions["tandem.__version__"] = re.findall(r'__version__ = "(.+)"', text(SERVICES / "tandem/tandem/__init__.py"))[
        0
    ]
    del versions["services/tandem/pyproject.toml"]  # takes it from there
    page = SERVICES / "tandem/tandem/static/tandem"
    versions["package.json"] = json.loads(text(page / "package.json"))["version"]
    versions["tandem.js"] = re.findall(r'^const VERSION = "(.+)"', text(page / "tandem.js"), re.MULTILINE)[0]
    for dockerfile in SERVICES.glob("*/Dockerfile"):
        versions[str(dockerfile)] = re.findall(r"^ARG VERSION=(.+)$", text(dockerfile), re.MULTILINE)[0]
    chart = yaml.safe_load(text(CHART / "Chart.yaml"))
    versions |= {"Chart version": chart["version"], "Chart appVersion": chart["appVersion"]}
    if released := re.findall(r"^## \[(\d[^\]]*)\]", text(ROOT / "CHANGELOG.md"), re.MULTILINE):
        versions["CHANGELOG.md"] = released[0]

    assert len(set(versions.values())) == 1, versions


@pytest.mark.parametrize("name", ["tests/sdk", "loadgen/node"])
def test_npm_lock_is_of_its_package(name: str) -> None:
    """The lock files of tests and of node's servers belong to their package.json, and name no address."""
    folder = SERVICES / name
    wanted = json.loads(text(folder / "package.json"))["dependencies"]
    lock = text(folder / "package-lock.json")

    assert json.loads(lock)["packages"][""]["dependencies"] == wanted
    assert "://" not in lock


# -- Checks -----------------------------------------------------------------------------------------


def test_a_check_has_one_meaning_and_a_row() -> None:
    """Each id of a system check is given in one place, and the package's README says what it means."""
    given = re.findall(r'id="tandem\.([EW]\d+)"', texts(SERVICES / "tandem/tandem", "*.py"))
    rows = re.findall(r"^\| `tandem\.([^|]*)\|", text(SERVICES / "tandem/README.md"), re.MULTILINE)
    told = [name for row in rows for name in re.findall(r"[EW]\d{3}", row)]

    assert sorted(given) == sorted(set(given))
    assert set(given) == set(told)
