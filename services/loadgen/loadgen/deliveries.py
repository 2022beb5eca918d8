"""What one subscriber got, against what it should have got. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields


@dataclass
class Totals:
    """Sums over all subscribers. All but `received`, `told` and `recovered` must be zero."""

    received: int = 0
    repeats: int = 0
    steps_back: int = 0
    missing: int = 0
    told: int = 0
    recovered: int = 0

    @property
    def is_whole(self) -> bool:
        """Tell whether every subscriber got everything once and in order, or was told."""
        return not (self.repeats or self.steps_back or self.missing)

    def as_dict(self) -> dict[str, int]:
        """Return the sums by name."""
        return asdict(self)


class Record:
    """The record of one subscriber: where it stands, and every irregularity since it began."""

    __slots__ = ("epoch", "missing", "offset", "received", "recovered", "repeats", "steps_back", "told")

    def __init__(self) -> None:
        self.epoch: str | None = None
        self.offset = 0
        self.received = self.repeats = self.steps_back = self.missing = self.told = self.recovered = 0

    def publication(self, offset: int) -> None:
        """Enter one publication; *offset* 0 (a channel without history) is counted and not checked."""
        self.received += 1
        ahead = offset - self.offset
        if ahead == 1:
            self.offset = offset
        elif ahead > 1:
            self.missing += ahead - 1
            self.offset = offset
        elif offset:
            if ahead == 0:
                self.repeats += 1
            else:
                self.steps_back += 1

    def subscribed(self, epoch: str, offset: int, *, recovered: bool, offsets: Iterable[int] = ()) -> None:
        """
        Enter a subscribe reply.

        First time: this is where the subscriber starts. Later: *offsets* are the recovered publications and must lead
        from where it stood to *offset*; with `recovered` false it was told that it has to reload.
        """
        if self.epoch is None:
            self.epoch, self.offset = epoch, offset
        elif recovered:
            self.recovered += 1
            self.epoch = epoch
            for each in offsets:
                self.publication(each)
            self.finish(offset)
        else:
            self.told += 1
            self.epoch, self.offset = epoch, offset

    def finish(self, offset: int) -> None:
        """Enter that the stream stands at *offset*: what the subscriber has not got by now is missing."""
        if offset > self.offset:
            self.missing += offset - self.offset
            self.offset = offset


def add_up(records: Iterable[Record]) -> Totals:
    """Add up *records*."""
    total = Totals()
    names = [field.name for field in fields(Totals)]
    for record in records:
        for name in names:
            setattr(total, name, getattr(total, name) + getattr(record, name))
    return total
