"""What the pages say can be followed: links resolve, code parses, commands exist. The tutorials are run elsewhere."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from demo.settings import ROOT
from rig.servers import SERVICES

_FENCE = re.compile(r"^([ ]*)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s#]*)(#[^)\s]*)?\)")
MOST_LINES = 250


def _pages() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    return [page for page in listed if (ROOT / page).exists()]


PAGES = _pages()


@cache
def text_of(path: Path) -> str:
    """The page as it is read: without what is in fences."""
    return _FENCE.sub("", path.read_text())


@cache
def anchors_of(path: Path) -> set[str]:
    """What GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", text_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks(page: str, *languages: str) -> Iterator[str]:
    """The fenced code of a page in these languages."""
    for _, language, code in _FENCE.findall((ROOT / page).read_text()):
        if language in languages:
            yield textwrap.dedent(code)


@pytest.mark.parametrize("page", PAGES)
def test_links_resolve(page: str) -> None:
    """Each names a file that is there, and a heading that is in it."""
    here = ROOT / page
    wrong = []
    for target, anchor in _LINK.findall(text_of(here)):
        path = (here.parent / target).resolve() if target else here
        is_page = path.suffix == ".md" and path.is_file()
        if not path.exists() or (anchor and is_page and anchor[1:] not in anchors_of(path)):
            wrong.append(target + anchor)

    assert wrong == []


@pytest.mark.parametrize("page", PAGES)
def test_python_parses(page: str) -> None:
    """Every snippet is Python, and none is left in the middle of a thought."""
    for code in blocks(page, "python"):
        ast.parse(code)


@pytest.mark.parametrize("page", PAGES)
def test_commands_are_there(page: str) -> None:
    """Targets of make, management commands and modules, in code and in the running text."""
    source = (ROOT / page).read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = "\n".join(
        [*blocks(page, "console", "shell", "bash", "sh", ""), *re.findall(r"`([^`\n]+)`", text_of(ROOT / page))]
    )
    made = set(re.findall(r"^(?:\s*)(?:[A-Z_]+=\S+ )*make ([a-z-]+)", shown, re.MULTILINE))
    modules = set(re.findall(r"python3? -m ([a-z_][\w.]*)", shown))

    assert made - targets == set()
    assert {name for name in modules if not _is_there(name)} == set()
    if "manage.py tandem " in source:
        commands = {path.stem for path in (SERVICES / "tandem/tandem/subcommands").glob("*.py")}
        assert set(re.findall(r"manage\.py tandem ([a-z]+)", shown)) - commands == set()


def _is_there(module: str) -> bool:
    """Tell whether *module* can be run here; a name of the reader's own project is his."""
    first = module.partition(".")[0]
    if first in ("mysite", "shop", "myapp", "tests", "tools", "charts"):
        return True
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def test_the_readme_is_read() -> None:
    """Nobody reads a long one."""
    assert (ROOT / "README.md").read_text().count("\n") < MOST_LINES
