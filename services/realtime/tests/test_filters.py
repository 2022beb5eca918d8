"""Filters by tag: what matches, and what is refused."""

from __future__ import annotations

import pytest

from tandem_realtime.protocol.filters import MAX_DEPTH, MAX_NODES, FilterNode, check, matches

TAGS = {"env": "prod", "price": "10.50", "empty": "", "word": "seven"}


def leaf(key: str, cmp: str, val: str = "", *vals: str) -> FilterNode:
    return FilterNode(key=key, cmp=cmp, val=val, vals=vals)


def over(op: str, *nodes: FilterNode) -> FilterNode:
    return FilterNode(op=op, nodes=nodes)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (leaf("env", "eq", "prod"), True),
        (leaf("env", "eq", "dev"), False),
        (leaf("none", "eq", ""), False),
        (leaf("env", "neq", "dev"), True),
        (leaf("none", "neq", "dev"), True),
        (leaf("env", "in", "", "dev", "prod"), True),
        (leaf("none", "in", "", "", "x"), True),
        (leaf("env", "nin", "", "dev"), True),
        (leaf("none", "nin", "", ""), False),
        (leaf("empty", "ex"), True),
        (leaf("none", "ex"), False),
        (leaf("none", "nex"), True),
        (leaf("env", "sw", "pr"), True),
        (leaf("env", "ew", "od"), True),
        (leaf("env", "ct", "ro"), True),
        (leaf("none", "ct", "ro"), False),
        (leaf("price", "lt", "10.5"), False),
        (leaf("price", "lte", "10.5"), True),
        (leaf("price", "gt", "9.999"), True),
        (leaf("price", "gte", "11"), False),
        (leaf("price", "gt", "many"), False),
        (leaf("word", "gt", "1"), False),
        (leaf("none", "gt", "1"), False),
        (leaf("price", "gt", "-Infinity"), False),
        (over("and", leaf("env", "eq", "prod"), leaf("price", "gt", "10")), True),
        (over("and", leaf("env", "eq", "prod"), leaf("price", "gt", "11")), False),
        (over("or", leaf("env", "eq", "dev"), leaf("price", "gt", "10")), True),
        (over("not", leaf("env", "eq", "dev")), True),
    ],
)
def test_matches(node: FilterNode, expected: bool) -> None:
    """As the protocol's definition has it, tags that are missing included."""
    check(node)

    assert matches(node, TAGS) is expected


def deep(levels: int) -> FilterNode:
    node = leaf("a", "ex")
    for _ in range(levels - 1):
        node = over("not", node)
    return node


@pytest.mark.parametrize(
    ("node", "why"),
    [
        (FilterNode(), "a filter cannot compare by ''"),
        (leaf("a", "like", "x"), "a filter cannot compare by 'like'"),
        (leaf("", "eq", "x"), "a filter's comparison has a key and no nodes under it"),
        (leaf("a", "in", "x"), "a filter compares by 'in' with 0 values"),
        (leaf("a", "eq", "x", "y"), "a filter compares by 'eq' with 1 values"),
        (over("xor", leaf("a", "ex")), "a filter has no 'xor'"),
        (over("and"), "a filter's 'and' has 0 nodes under it"),
        (over("not", leaf("a", "ex"), leaf("b", "ex")), "a filter's 'not' has 2 nodes under it"),
        (FilterNode(op="not", key="a", nodes=(leaf("a", "ex"),)), "a filter's 'not' compares nothing itself"),
        (deep(MAX_DEPTH + 1), f"a filter has at most {MAX_DEPTH} levels"),
        (over("or", *[leaf("a", "ex")] * MAX_NODES), f"a filter has at most {MAX_NODES} nodes"),
    ],
)
def test_refused(node: FilterNode, why: str) -> None:
    """What says nothing, or too much."""
    with pytest.raises(ValueError, match="filter") as caught:
        check(node)

    assert str(caught.value) == why


def test_equal_filters_are_one() -> None:
    """So that each is evaluated once for a publication."""
    assert len({over("not", leaf("a", "in", "", "x")), over("not", leaf("a", "in", "", "x"))}) == 1
    check(deep(MAX_DEPTH))
