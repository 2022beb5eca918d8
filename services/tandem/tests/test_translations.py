"""What translators write (``.po``) is what Django reads (``.mo``), which is kept beside it."""

from __future__ import annotations

import ast
import gettext
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

import tandem

SOURCES = sorted(Path(tandem.__file__).parent.rglob("locale/*/LC_MESSAGES/*.po"))


def entries(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield context, original and translation of each entry of a ``.po`` file, without its header."""
    for block in re.split(r"\n\s*\n", text):
        found = {"msgctxt": "", "msgid": "", "msgstr": ""}
        name = ""
        for line in block.splitlines():
            if keyword := re.match(r'(msgctxt|msgid|msgstr) (?=")', line):
                name, line = keyword[1], line[keyword.end() :]
            if line.startswith('"'):
                found[name] += ast.literal_eval(line)
            elif not line.startswith("#"):
                raise ValueError(f"not understood: {line!r}")
        if found["msgid"]:
            yield found["msgctxt"], found["msgid"], found["msgstr"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: "/".join(path.parts[-5:]))
def test_compiled_translations_are_those_of_the_source(source: Path) -> None:
    """Every one, and none besides; ``manage.py compilemessages`` makes them so."""
    compiled = source.with_suffix(".mo")
    written = list(entries(source.read_text()))
    with compiled.open("rb") as file:
        read = gettext.GNUTranslations(file)
    told = [
        (context, text, read.pgettext(context, text) if context else read.gettext(text)) for context, text, _ in written
    ]
    (magic,) = struct.unpack("<I", compiled.read_bytes()[:4])
    (count,) = struct.unpack("<I" if magic == 0x950412DE else ">I", compiled.read_bytes()[8:12])

    assert told == written
    assert count == len(written) + 1  # and the header
    assert all(translation for _, _, translation in written)


def test_there_is_something_to_compare() -> None:
    """The folders have not moved away from here."""
    assert SOURCES
