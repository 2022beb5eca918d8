"""What channels are called: patterns with converted parts."""

from __future__ import annotations

import uuid

import pytest

from tandem.auth.patterns import Pattern


@pytest.mark.parametrize(
    ("pattern", "channel", "parts"),
    [
        ("order:{pk}", "order:7", {"pk": "7"}),
        ("order:{pk:int}", "order:7", {"pk": 7}),
        ("order:{pk:int}", "order:seven", None),
        ("order:{pk:int}", "order:007", None),
        ("order:{pk:int}", "order:", None),
        ("order:{pk:int}", "order:-1", None),
        ("order:{pk:int}", "order:\u0667", None),
        ("order:{pk:int}", "order:7/8", None),
        ("order:{pk:int}", "xorder:7", None),
        ("order:{tenant}/{pk:int}", "order:acme/7", {"tenant": "acme", "pk": 7}),
        ("order:{tenant}/{pk:int}", "order:7", None),
        ("file:{name:path}", "file:a/b/c", {"name": "a/b/c"}),
        ("doc:{pk:uuid}", f"doc:{uuid.UUID(int=7)}", {"pk": uuid.UUID(int=7)}),
        ("doc:{pk:uuid}", "doc:7", None),
        ("board:all", "board:all", {}),
        ("board:all", "board:any", None),
        ("a.b:{pk}", "axb:1", None),
    ],
)
def test_channel_fits_whole_or_not_at_all(pattern: str, channel: str, parts: dict | None) -> None:
    """Each part is what its converter makes of it; what does not convert is another channel."""
    assert Pattern(pattern).match(channel) == parts


@pytest.mark.parametrize(("annotation", "found"), [(int, 7), ("int", 7), (str, "7"), ("Order", "7")])
def test_annotation_converts_too(annotation: object, found: object) -> None:
    """A converter in the braces has the last word."""
    assert Pattern("order:{pk}", {"pk": annotation}).match("order:7") == {"pk": found}
    assert Pattern("order:{pk:slug}", {"pk": annotation}).match("order:7") == {"pk": "7"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{pk}", "begins with its namespace"),
        ("order", "begins with its namespace"),
        ("{kind}:{pk}", "begins with its namespace"),
        ("order:{pk", "not closed"),
        ("order:pk}", "not closed"),
        ("order:{}", "is no part"),
        ("order:{1}", "is no part"),
        ("order:{pk}/{pk}", "is no part"),
        ("order:{pk:integer}", "no path converter 'integer'"),
    ],
)
def test_pattern_that_cannot_be_is_refused(text: str, why: str) -> None:
    """Where it is written, not at the first request."""
    with pytest.raises(ValueError, match=why):
        Pattern(text)
