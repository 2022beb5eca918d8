"""Imports go one way: api -> tandem <- tandem_realtime, loadgen -> tandem."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.servers import SERVICES

MAY_IMPORT: dict[str, set[str]] = {
    "tandem": set(),
    "api": {"tandem"},
    "tandem_realtime": {"tandem"},
    "loadgen": {"tandem"},
}
FOLDERS = {"tandem_realtime": "realtime"}
NO_SQL = ("django.db", "django.contrib.auth", "tandem.models", "tandem.outbox")


def sources(package: str) -> list[Path]:
    """Every module of *package* that runs in production: benchmarks start servers of all parts."""
    folder = SERVICES / FOLDERS.get(package, package) / package
    found = sorted(path for path in folder.rglob("*.py") if "bench" not in path.parts[-3:])
    assert found, f"no module in {folder}"
    return found


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports anywhere, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_package_imports_only_what_it_may(package: str) -> None:
    """The services never import each other, and the library imports no service."""
    ours = {*MAY_IMPORT, "demo", "rig", "tests"}
    forbidden = ours - MAY_IMPORT[package] - {package}
    found = {
        f"{path.relative_to(SERVICES)} imports {name}"
        for path in sources(package)
        for name in imports(path)
        if name.split(".")[0] in forbidden
    }

    assert found == set()


def test_realtime_has_no_sql() -> None:
    """Nothing in realtime reaches for Django's database layer or the outbox."""
    found = {
        f"{path.relative_to(SERVICES)} imports {name}"
        for path in sources("tandem_realtime")
        for name in imports(path)
        if name.startswith(NO_SQL)
    }

    assert found == set()


def test_no_relative_imports_across_packages() -> None:
    """A relative import stays inside its package, so the rule above sees every crossing."""
    found = [
        str(path.relative_to(SERVICES))
        for package in MAY_IMPORT
        for path in sources(package)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level > len(path.relative_to(SERVICES).parts) - 2
    ]

    assert found == []
