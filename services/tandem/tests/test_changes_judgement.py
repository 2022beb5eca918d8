"""What a change is to each channel."""

from __future__ import annotations

import pytest

from tandem.changes.judgement import events


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, ["a"], {"a": "created"}),
        (["a"], None, {"a": "deleted"}),
        (["a", "b"], ["b", "c"], {"a": "left", "b": "changed", "c": "changed"}),
        ([], ["a"], {"a": "changed"}),
        (None, None, {}),
        ([], None, {}),
    ],
)
def test_each_channel_hears_what_it_was_to_it(
    before: list[str] | None, after: list[str] | None, expected: dict[str, str]
) -> None:
    """A row that nobody heard of before is not new for that."""
    assert events(before, after) == expected
