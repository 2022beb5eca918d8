"""A client that publishes over its own socket, and knows what was confirmed to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rig.keeper import Keeper
from rig.wire import Wire


@dataclass
class Talker:
    """
    Publishes 0, 1, 2 ... to *channel*, over whichever socket it has, beside the *keepers* that hear it.

    `confirmed` has, for each number, how often each keeper had been told to reload by then; `refused` are the errors.
    """

    channel: str
    keepers: Sequence[Keeper]
    confirmed: dict[int, list[int]] = field(default_factory=dict)
    refused: list[dict[str, Any]] = field(default_factory=list)
    next_number: int = 0

    async def say(self, wire: Wire) -> bool:
        """Publish the next number over *wire*, and tell whether that was confirmed."""
        number, self.next_number = self.next_number, self.next_number + 1
        reply = await wire.command(publish={"channel": self.channel, "data": number})
        if "error" in reply:
            self.refused.append(reply["error"])
            return False
        self.confirmed[number] = [len(keeper.record.told_at) for keeper in self.keepers]
        return True

    def missing(self) -> list[tuple[int, int]]:
        """Return each confirmed number, and the keeper that neither has it nor was told to reload after it."""
        return [
            (number, index)
            for number, told in self.confirmed.items()
            for index, keeper in enumerate(self.keepers)
            if number not in keeper.record.seen and len(keeper.record.told_at) <= told[index]
        ]
