"""
Filters by tag: which publications of a channel a subscriber wants. No I/O here.

They save bandwidth and are no permission: who may hear a channel may hear all of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

import msgspec

MAX_NODES = 100
MAX_DEPTH = 10

_DECIMAL = re.compile(r"[+-]?\d{1,100}(?:\.\d{1,100})?", re.ASCII)

Tags = Mapping[str, str]


class FilterNode(msgspec.Struct, frozen=True):
    """A comparison of one tag, or `op` (``and``, ``or``, ``not``) over other nodes. Equal ones are one filter."""

    op: str = ""
    key: str = ""
    cmp: str = ""
    val: str = ""
    vals: tuple[str, ...] = ()
    nodes: tuple[FilterNode, ...] = ()


Comparison = Callable[[str | None, FilterNode], bool]
"""Of a tag, None when there is no such one, with what a node says."""


def check(node: FilterNode) -> None:
    """Raise `ValueError` for a filter that is larger than `MAX_NODES` or `MAX_DEPTH`, or that says nothing."""
    if sum(1 for _ in _nodes(node, depth=1)) > MAX_NODES:
        raise ValueError(f"a filter has at most {MAX_NODES} nodes")


def matches(node: FilterNode, tags: Tags) -> bool:
    """Tell whether a publication with *tags* is wanted. *node* was checked."""
    match node.op:
        case "and":
            return all(matches(each, tags) for each in node.nodes)
        case "or":
            return any(matches(each, tags) for each in node.nodes)
        case "not":
            return not matches(node.nodes[0], tags)
    return _COMPARISONS[node.cmp](tags.get(node.key), node)


def _nodes(node: FilterNode, *, depth: int) -> Iterator[FilterNode]:
    if depth > MAX_DEPTH:
        raise ValueError(f"a filter has at most {MAX_DEPTH} levels")
    _check_one(node)
    yield node
    for each in node.nodes:
        yield from _nodes(each, depth=depth + 1)


def _check_one(node: FilterNode) -> None:
    if node.op in ("and", "or", "not"):
        if not node.nodes or (node.op == "not" and len(node.nodes) > 1):
            raise ValueError(f"a filter's {node.op!r} has {len(node.nodes)} nodes under it")
        if node.key or node.cmp or node.val or node.vals:
            raise ValueError(f"a filter's {node.op!r} compares nothing itself")
    elif node.op:
        raise ValueError(f"a filter has no {node.op[:16]!r}")
    elif node.cmp not in _COMPARISONS:
        raise ValueError(f"a filter cannot compare by {node.cmp[:16]!r}")
    elif not node.key or node.nodes:
        raise ValueError("a filter's comparison has a key and no nodes under it")
    elif (node.cmp in _OF_SETS) != bool(node.vals):
        raise ValueError(f"a filter compares by {node.cmp!r} with {len(node.vals)} values")


def _by_value(test: Callable[[str, str], bool], *, is_without: bool = False) -> Comparison:
    return lambda tag, node: is_without if tag is None else test(tag, node.val)


def _by_number(test: Callable[[Decimal, Decimal], bool]) -> Comparison:
    def compare(tag: str | None, node: FilterNode) -> bool:
        if tag is None or not _DECIMAL.fullmatch(tag) or not _DECIMAL.fullmatch(node.val):
            return False
        return test(Decimal(tag), Decimal(node.val))

    return compare


_OF_SETS = ("in", "nin")
_COMPARISONS: dict[str, Comparison] = {
    "eq": _by_value(str.__eq__),
    "neq": _by_value(str.__ne__, is_without=True),
    "in": lambda tag, node: (tag or "") in node.vals,
    "nin": lambda tag, node: (tag or "") not in node.vals,
    "ex": lambda tag, node: tag is not None,
    "nex": lambda tag, node: tag is None,
    "sw": _by_value(str.startswith),
    "ew": _by_value(str.endswith),
    "ct": _by_value(str.__contains__),
    "lt": _by_number(Decimal.__lt__),
    "lte": _by_number(Decimal.__le__),
    "gt": _by_number(Decimal.__gt__),
    "gte": _by_number(Decimal.__ge__),
}
