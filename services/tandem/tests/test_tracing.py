"""What travels between the services when traces are off, and how the request id is read from it."""

from __future__ import annotations

import pytest

from tandem import tracing


def test_off_nothing_is_added():
    """A request id stays as it is; a span is no span."""
    with tracing.publishing(1, "r1"):
        assert tracing.carry("r1") == "r1"
    assert not tracing.is_on()
    tracing.sent("public:a", "r1 00-" + "1" * 32 + "-" + "2" * 16 + "-01", subscribers=1, began_at=0.0)


@pytest.mark.parametrize(("request_text", "expected"), [("", ""), ("r1", "r1"), ("r1 00-abc", "r1"), (" 00-abc", "")])
def test_the_request_id_stands_first(request_text: str, expected: str):
    """Logs show the id, with or without a trace behind it."""
    assert tracing.request_id_of(request_text) == expected
