"""
Imports go one way: api -> tandem <- tandem_realtime, loadgen -> tandem.

Inside `tandem` the apps import the core and never each other; the core imports no app and no model.
"""

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
APPS = {
    "auth": {"auth", "page", "templatetags", "worker_script"},  # and the page that says whose it is
    "changes": {"changes"},
    "contracts": {"contracts"},
    "inbox": {"inbox"},
    "live": {"live"},
    "metrics": {"metrics"},
    "monitor": {"monitor"},
    "outbox": {"outbox", "models", "migrations"},
    "server_api": {"server_api"},
    "testing": {"testing"},
}
"""The apps of `tandem`, each with its modules. All others are the core."""
WIRING = {"__init__", "admin", "apps", "checks", "gunicorn", "management", "pytest_plugin", "subcommands", "urls"}
"""What puts the parts together for Django, gunicorn and the shell: it may import any."""
MAY_CROSS = {
    ("auth", "outbox"): "tandem.models",  # one table of generations beside the outbox's, in one app's migrations
    ("live", "auth"): "tandem.",  # who may hear a channel may see its block; its tag is one of the page's
    ("live", "outbox"): "tandem.",  # pushes
    ("changes", "outbox"): "tandem.",  # what a model tells of goes out with its transaction
    ("testing", "outbox"): "tandem.",  # the test kit stands above what it shows
    ("testing", "auth"): "tandem.auth",
    ("testing", "inbox"): "tandem.inbox",
    ("inbox", "auth"): "tandem.auth.identity",  # what a user's own channel is called
}
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


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_one_library_packs(package: str) -> None:
    """It is msgspec, which reads everything else too; msgpack is a dependency of channels-redis, and none of ours."""
    assert [path for path in sources(package) if "msgpack" in imports(path)] == []


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


def name_of(path: Path) -> str:
    """The dotted name of a module."""
    parts = path.relative_to(SERVICES).with_suffix("").parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def needs(path: Path, known: set[str]) -> set[str]:
    """Those of *known* that a module imports when it is imported, or that its annotations name."""
    package = name_of(path).split(".")[: None if path.name == "__init__.py" else -1]
    found: set[str] = set()
    for node in at_module_level(ast.parse(path.read_text()).body):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        else:
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            names = {f"{source}.{alias.name}" for alias in node.names}
            found |= (names & known) or {source}
    return (found & known) - {name_of(path)}


def at_module_level(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports outside functions and classes; those for types alone too."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If | ast.Try | ast.With):
            inner = [node.body, getattr(node, "orelse", []), getattr(node, "finalbody", [])]
            for each in [*inner, *(handler.body for handler in getattr(node, "handlers", []))]:
                yield from at_module_level(each)


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that need each other: each reaches all of its group, over others or not."""
    reached = {name: set(found) for name, found in graph.items()}
    changed = True
    while changed:
        changed = False
        for found in reached.values():
            more = found.union(*(reached[other] for other in found))
            changed |= len(more) > len(found)
            found |= more
    groups = {
        tuple(sorted(other for other in graph if other in found and name in reached[other]))
        for name, found in reached.items()
    }
    return sorted([*group] for group in groups if group)


def test_circles_are_found() -> None:
    """Long ones and short ones, and nothing else."""
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}

    assert circles(graph) == [["a", "b", "c"], ["d", "e"]]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_modules_need_each_other_in_no_circle(package: str) -> None:
    """What lives as long as the process is handed to whoever needs it; nobody reaches back for it."""
    paths = {name_of(path): path for path in sources(package)}
    graph = {name: needs(path, set(paths)) for name, path in paths.items()}

    assert any(graph.values()), "nothing was found to import anything"
    assert circles(graph) == []


def app_of(module: str) -> str:
    """The app that a top module of `tandem` belongs to; empty for the core."""
    return next((app for app, modules in APPS.items() if module in modules), "")


def inner_imports() -> Iterator[tuple[str, str, str, str]]:
    """Each import of `tandem` by itself: the file, its app, what is imported, and whose that is."""
    folder = SERVICES / "tandem" / "tandem"
    for path in sources("tandem"):
        top = path.relative_to(folder).parts[0].removesuffix(".py")
        if top in WIRING:
            continue
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "tandem" and len(parts) > 1:
                yield str(path.relative_to(folder)), app_of(top), name, app_of(parts[1])


def test_core_imports_no_app_and_no_model() -> None:
    """Whoever leaves an app out of the project loses nothing of the core."""
    found = {
        f"{path} imports {name}"
        for path, app, name, imported in inner_imports()
        if not app and (imported or name.startswith("tandem.models"))
    }

    assert found == set()


def test_apps_never_import_each_other() -> None:
    """A team takes the apps that it wants."""
    found = {
        f"{path} imports {name}"
        for path, app, name, imported in inner_imports()
        if app and imported not in ("", app) and not name.startswith(MAY_CROSS.get((app, imported), "-"))
    }

    assert found == set()


def test_core_touches_no_table() -> None:
    """It runs where there is no SQL."""
    folder = SERVICES / "tandem" / "tandem"
    found = {
        f"{path.relative_to(folder)} imports {name}"
        for path in sources("tandem")
        for name in imports(path)
        if not app_of(top := path.relative_to(folder).parts[0].removesuffix(".py"))
        and top not in {*WIRING, "probes"}  # a probe asks the database
        and name.startswith(NO_SQL)
    }

    assert found == set()


def changed(tree: ast.Module) -> Iterator[ast.expr]:
    """What a module assigns to or deletes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.Delete):
            yield from node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            yield node.target


def owner_of(target: ast.expr) -> str:
    """The name that a target begins with: ``session`` of ``session.subscriptions[name]``; empty for a plain name."""
    inner = target
    while isinstance(inner, ast.Attribute | ast.Subscript):
        inner = inner.value
    return inner.id if isinstance(inner, ast.Name) and inner is not target else ""


def test_what_a_session_is_changes_in_its_own_modules() -> None:
    """Whoever else has one calls it."""
    own = {"subscriber.py", "session.py"}
    found = {
        f"{path.relative_to(SERVICES)}: {ast.unparse(target)}"
        for path in sources("tandem_realtime")
        if not (path.parent.name == "session" and path.name in own)
        for target in changed(ast.parse(path.read_text()))
        if owner_of(target) == "session"
    }

    assert found == set()
