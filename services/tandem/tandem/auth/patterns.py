"""The names of a project's channels as patterns: ``order:{tenant}/{pk:int}``. No I/O here."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from django.urls.converters import get_converters

from tandem.namespaces import namespace_name

_PART = re.compile(r"\{([^{}]*)\}")
_NAMED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::([A-Za-z_][A-Za-z0-9_]*))?")
_BY_ANNOTATION = {int: "int", "int": "int", uuid.UUID: "uuid", "UUID": "uuid", "uuid.UUID": "uuid"}


class Pattern:
    """
    What channels are called: *text* with parts in braces, each with one of Django's path converters after a colon.

    A part without one takes that of its annotation (``int``, ``uuid.UUID``), else anything without a slash.
    """

    def __init__(self, text: str, annotations: Mapping[str, Any] | None = None) -> None:
        self.text = text
        self.namespace = namespace_name(_PART.sub("x", text))
        self._converters: dict[str, Any] = {}
        self._regex = re.compile(self._read(text, annotations or {}))
        if not self.namespace or "{" in text.partition(":")[0]:
            raise ValueError(f"{text!r}: a pattern begins with its namespace, for example 'order:{{pk}}'")

    @property
    def parts(self) -> list[str]:
        """The names of the parts, in their order."""
        return list(self._converters)

    def match(self, channel: str) -> dict[str, Any] | None:
        """Return the converted parts of *channel*, or None where it is none of these or a part does not convert."""
        found = self._regex.fullmatch(channel)
        if found is None:
            return None
        parts: dict[str, Any] = {}
        for name, text in found.groupdict().items():
            try:
                parts[name] = self._converters[name].to_python(text)
                if self._converters[name].to_url(parts[name]) != text:  # 007 is another channel than 7
                    return None
            except ValueError:
                return None
        return parts

    def _read(self, text: str, annotations: Mapping[str, Any]) -> str:
        regex, end = "", 0
        for part in _PART.finditer(text):
            regex += _literal(text, text[end : part.start()]) + self._part(part[1], annotations)
            end = part.end()
        return regex + _literal(text, text[end:])

    def _part(self, inside: str, annotations: Mapping[str, Any]) -> str:
        named = _NAMED.fullmatch(inside)
        if named is None or named[1] in self._converters:
            raise ValueError(f"{self.text!r}: {{{inside}}} is no part: a name that is new, and maybe a converter")
        name, kind = named[1], named[2] or _BY_ANNOTATION.get(annotations.get(named[1]), "str")
        converters = get_converters()
        if kind not in converters:
            raise ValueError(f"{self.text!r}: there is no path converter {kind!r}")
        self._converters[name] = converters[kind]
        return f"(?P<{name}>{converters[kind].regex})"


def _literal(pattern: str, text: str) -> str:
    if "{" in text or "}" in text:
        raise ValueError(f"{pattern!r}: a brace that is not closed")
    return re.escape(text)
