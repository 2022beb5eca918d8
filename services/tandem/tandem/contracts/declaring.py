"""``@tandem.contract``: what the data of publications to a channel is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from tandem.namespaces import check_channel

T = TypeVar("T", bound=type)

_PART = re.compile(r"\{[^{}]+\}")
_contracts: dict[str, list[type]] = {}


def contract(pattern: str) -> Callable[[T], T]:
    """
    Say that what is published to the channels of *pattern* (``order:{pk}``) is of the decorated type.

    That is a dataclass, a `TypedDict`, a `msgspec.Struct` or a model of pydantic. Where several types have the same
    pattern, it is one of them. Raises `ValueError` for a pattern that is no channel's.
    """
    if not check_channel(_PART.sub("x", pattern)) or "{" in _PART.sub("", pattern):
        raise ValueError(f"{pattern!r}: a pattern is a channel with parts in braces, for example 'order:{{pk}}'")

    def declare(kind: T) -> T:
        kinds = _contracts.setdefault(pattern, [])
        if kind not in kinds:
            kinds.append(kind)
        return kind

    return declare


def contracts() -> dict[str, list[type]]:
    """Return the types of every pattern, in the order in which they were declared."""
    return {pattern: list(kinds) for pattern, kinds in _contracts.items()}


def template_of(pattern: str) -> str:
    """Return *pattern* as TypeScript writes it between backticks."""
    return _PART.sub("${string}", pattern)


def example_of(pattern: str) -> str:
    """Return a channel of *pattern*."""
    return _PART.sub("x", pattern)
