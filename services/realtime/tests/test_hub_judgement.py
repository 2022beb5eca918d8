"""What to do with a live publication, from where the channel stands."""

from __future__ import annotations

import pytest

from tandem.publication import Position, Publication
from tandem_realtime.hub.judgement import Judgement, judge

AT = Position("e", 5)


@pytest.mark.parametrize(
    ("epoch", "offset", "verdict"),
    [
        ("e", 6, Judgement.DELIVER),
        ("e", 5, Judgement.DROP),
        ("e", 1, Judgement.DROP),
        ("e", 7, Judgement.REPAIR),
        ("f", 6, Judgement.REPAIR),
        ("f", 1, Judgement.REPAIR),
        ("", 0, Judgement.DELIVER),
    ],
)
def test_only_the_next_one_is_delivered(epoch: str, offset: int, verdict: Judgement) -> None:
    """Seen before: dropped. A gap or another epoch: the stream is asked. No offset: it belongs to no stream."""
    assert judge(AT, Publication("c", b"1", offset, epoch)) is verdict
