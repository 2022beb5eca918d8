"""What to do with a publication, given where the channel stands. No I/O here."""

from __future__ import annotations

from enum import Enum

from tandem.publication import Position, Publication


class Judgement(Enum):
    """`DELIVER` it, `DROP` it as already seen, or `REPAIR`: read the stream, something is missing or has changed."""

    DELIVER = "deliver"
    DROP = "drop"
    REPAIR = "repair"


def judge(at: Position, publication: Publication) -> Judgement:
    """
    Judge a live publication for a channel that stands *at* a position.

    Offsets of one epoch come in order, 1 apart. Another epoch always wants the stream's word for it. A publication
    without an offset belongs to no stream and goes out as it is.
    """
    if not publication.offset:
        return Judgement.DELIVER
    if publication.epoch != at.epoch:
        return Judgement.REPAIR
    if publication.offset == at.offset + 1:
        return Judgement.DELIVER
    return Judgement.DROP if publication.offset <= at.offset else Judgement.REPAIR
