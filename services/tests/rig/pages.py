"""A page of documentation, read as somebody who does what it says: commands to run, files to write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"^(?:#|<!--) (\S+/\S+?)(, at its end)?(?: -->)?$")


@dataclass(frozen=True)
class Commands:
    """Lines for a shell."""

    lines: list[str]


@dataclass(frozen=True)
class File:
    """A file to be written, or lines to be added at its end. Its first line says which."""

    path: str
    text: str
    is_added: bool

    def write(self, folder: Path) -> None:
        """Do to the file in *folder* what the page says."""
        path = folder / self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.read_text() + "\n" + self.text if self.is_added else self.text)


def steps(text: str) -> Iterator[Commands | File]:
    """Read what a page says to do: its ``console`` blocks, and the blocks whose first line names a file."""
    for language, body in _FENCE.findall(text):
        if language == "console":
            yield Commands(body.strip().splitlines())
            continue
        first, _, rest = body.partition("\n")
        if name := _NAME.match(first):
            yield File(name[1], rest, is_added=bool(name[2]))


def section(text: str, heading: str) -> str:
    """Return a page's part under *heading*, up to the next of its level. Raises `LookupError` when there is none."""
    found = re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise LookupError(f"no section {heading!r}")
    return found[1]
