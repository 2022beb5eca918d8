"""Which Debian package brings a program that the tests use: the list that ``make test`` installs from."""

from __future__ import annotations

from functools import cache
from pathlib import Path

LIST = Path(__file__).resolve().parents[3] / ".ci" / "packages.txt"


@cache
def _packages() -> dict[str, str]:
    lines = [line.split() for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    return {program: package for package, *programs in lines for program in programs}


def package_of(program: str) -> str:
    """Return the Debian package of *program*; its own name if the list has none."""
    return _packages().get(program, program)
