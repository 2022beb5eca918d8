"""One channel in this process: where it stands, who wants it, and the decisions that keep it whole. No I/O here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NamedTuple

from tandem.groups import group_for
from tandem.namespaces import Namespace
from tandem.publication import Position, Publication
from tandem.scripts import StreamState
from tandem_realtime.hub.judgement import Judgement, judge
from tandem_realtime.hub.recent import Recent
from tandem_realtime.hub.streams import Found
from tandem_realtime.hub.subscription import Subscription
from tandem_realtime.protocol.encodings import Deltas, Encoding

MAX_HELD = 10_000
CHECK_SECONDS = 25.0
NOWHERE = Position("", 0)


class Recovery(Enum):
    """Why publications since a position cannot be told from memory."""

    ASK = "the stream must be asked"
    LOST = "they cannot be recovered"


class Reading(NamedTuple):
    """A read of what follows *since*, and what it found; None: it failed."""

    since: Position
    found: asyncio.Future[Found | None]


class LiveChannel:
    """
    A channel that somebody here wants.

    `position` is the last publication that every subscriber has, or is about to be sent. `held` are live publications
    that wait until a gap before them is repaired. `repaired` is done when a repair is, and `reading` is a recovery's
    read that is under way. `check_seconds` is how often its position is compared with the stream, by and large. `base`
    is the publication that those had last who take deltas. `holders` are those who are about to subscribe, and will
    find it here.
    """

    __slots__ = (
        "_epoch",
        "_offset",
        "base",
        "check_at",
        "check_seconds",
        "empty_since",
        "group",
        "held",
        "holders",
        "is_heard",
        "is_live",
        "members",
        "name",
        "namespace",
        "previous",
        "reading",
        "recent",
        "repaired",
        "writers",
    )

    def __init__(self, name: str, namespace: Namespace) -> None:
        self.name = name
        self.group = group_for(name)
        self.namespace = namespace
        self._epoch, self._offset = NOWHERE
        self.previous: Position | None = None
        self.recent = Recent(namespace.history_size)
        self.base: Publication | None = None
        self.writers: dict[Encoding, dict[Subscription, Callable[[bytes], None]]] = {}
        self.members: set[Subscription] = set()
        self.held: list[Publication] = []
        self.holders = 0
        self.is_live = False
        self.is_heard = False
        self.repaired: asyncio.Future[None] | None = None
        self.reading: Reading | None = None
        self.check_at = 0.0
        self.check_seconds = CHECK_SECONDS
        self.empty_since = 0.0

    def add(self, subscription: Subscription) -> None:
        """Deliver to *subscription* from the current position on."""
        self.writers.setdefault(subscription.encoding, {})[subscription] = subscription.owner.write
        if subscription.member:
            self.members.add(subscription)

    def remove(self, subscription: Subscription) -> None:
        """Deliver to *subscription* no more."""
        encoding = subscription.encoding
        if writers := self.writers.get(encoding):
            writers.pop(subscription, None)
            if not writers:
                del self.writers[encoding]
        self.members.discard(subscription)

    def sent(self, last: Publication) -> None:
        """Take note that everyone has been sent what there was, *last* at the end: deltas start from there."""
        has_deltas = False
        for encoding in [encoding for encoding in self.writers if encoding.deltas is not None]:
            has_deltas = True
            if encoding.deltas is Deltas.FIRST:
                following = encoding._replace(deltas=Deltas.NEXT)
                writers = self.writers.pop(encoding)
                for subscription in writers:
                    subscription.encoding = following
                self.writers.setdefault(following, {}).update(writers)
        self.base = last if has_deltas else None

    @property
    def subscriptions(self) -> list[Subscription]:
        """Everyone who is delivered to."""
        return [subscription for writers in self.writers.values() for subscription in writers]

    @property
    def subscriber_count(self) -> int:
        """How many are delivered to."""
        return sum(len(writers) for writers in self.writers.values())

    @property
    def is_idle(self) -> bool:
        """Tell whether nobody here wants it."""
        return not self.writers and not self.holders

    @property
    def is_silent(self) -> bool:
        """Tell whether nothing was published in it, as far as its stream remembers or was heard here."""
        return not self._offset and not self.is_heard

    def start(self, state: StreamState | None) -> None:
        """Begin where the stream stands now (None: no history). What arrived live meanwhile comes after it."""
        if state is not None:
            (self._epoch, self._offset), self.previous, _ = state
        self.is_live = True
        self.resume()

    def take(self, publication: Publication) -> Judgement:
        """Judge a live publication: the position moves if it is to be delivered, it is held if a repair is due."""
        is_waiting = self.repaired is not None or not self.is_live
        if publication.offset == self._offset + 1 and publication.epoch == self._epoch and not is_waiting:
            # What judge says of nearly every publication, without asking it.
            self._advance(publication)
            return Judgement.DELIVER
        verdict = Judgement.REPAIR if is_waiting and publication.offset else judge(self.position, publication)
        if verdict is Judgement.DELIVER:
            self._advance(publication)
        elif verdict is Judgement.REPAIR and len(self.held) < MAX_HELD:
            self.held.append(publication)
        return verdict

    @property
    def position(self) -> Position:
        """The last publication that every subscriber has, or is about to be sent."""
        return Position(self._epoch, self._offset)

    @property
    def is_repairing(self) -> bool:
        """Tell whether the stream is being read to fill a gap."""
        return self.repaired is not None

    def fill(self, found: Found) -> list[Publication] | None:
        """
        Take what the stream holds after our position.

        Return what is to be delivered, in order; None when it cannot be told without a hole, or the epoch changed: then
        the channel stands where the stream stands and every subscriber must be told.
        """
        at, state = self.position, found.state
        missed = [publication for publication in found.publications if publication.offset > at.offset]
        if state.position.epoch == at.epoch and _is_run(missed, after=at.offset, until=state.position.offset):
            for publication in missed:
                self._advance(publication)
            return missed + self.resume()
        if _grew_older(at, found):
            # Nothing had ever been published: whoever waited has missed nothing.
            (self._epoch, self._offset), self.previous = Position(state.position.epoch, 0), state.previous
            for publication in missed:
                self._advance(publication)
            return missed + self.resume()
        self.recent.clear()
        (self._epoch, self._offset), self.previous, _ = state
        if missed and _is_run(missed, after=missed[0].offset - 1, until=state.position.offset):
            self.recent.prepend(missed, until=state.position.offset)
        self.resume()
        return None

    def resume(self) -> list[Publication]:
        """Go through what was held: return what comes next, keep what still lies behind a gap."""
        held, self.held, self.repaired = self.held, [], None
        return [publication for publication in held if self.take(publication) is Judgement.DELIVER]

    def recover(self, since: Position, limit: int, found: Found | None = None) -> list[Publication] | Recovery:
        """
        Return what a reader at *since* has missed, as far as memory and what was *found* in the stream tell.

        At most *limit* publications are ever recovered (0: any number). A position without an epoch is one of any.
        """
        missing = self._offset - since.offset
        if since.epoch == self._epoch and 0 <= missing <= (limit or missing):
            # What nearly everybody gets who comes back, without more ado.
            missed = self.recent.after(since.offset, until=self._offset)
            if missed is not None:
                return missed
        since = self.resolve(since)
        if not StreamState(self.position, self.previous).continues(since):
            is_ahead = since.epoch in (self.position.epoch, self.previous and self.previous.epoch)
            return Recovery.ASK if is_ahead and found is None else Recovery.LOST
        at = self.position.offset
        if limit and at - since.offset > limit:
            return Recovery.LOST
        if (missed := self.recent.after(since.offset, until=at)) is not None:
            return missed
        if found is None:
            return Recovery.ASK
        older = [publication for publication in found.publications if since.offset < publication.offset <= at]
        if not _is_run(older, after=since.offset, until=min(at, found.state.position.offset)):
            return Recovery.LOST
        newer = self.recent.after(since.offset + len(older), until=at)
        return Recovery.ASK if newer is None else older + newer

    def resolve(self, since: Position) -> Position:
        """Return where a reader stands that says *since*: without an epoch it means whichever there is."""
        return since if since.epoch else Position(self._epoch, since.offset)

    def is_behind(self, found: Found, since: Position) -> bool:
        """Tell whether the stream has another epoch than we know of, or has what a reader at *since* had before us."""
        at, stream = self.position, found.state.position
        return stream.epoch != at.epoch or (since.epoch == at.epoch and at.offset < since.offset <= stream.offset)

    def remember(self, found: Found) -> None:
        """Keep what was found in the stream, as far as it joins what is in memory."""
        known = [publication for publication in found.publications if publication.offset <= self.position.offset]
        if known and found.state.position.epoch == self.position.epoch:
            self.recent.prepend(known, until=self.position.offset)

    def _advance(self, publication: Publication) -> None:
        if publication.offset:
            self._epoch, self._offset = publication.epoch, publication.offset
            self.recent.append(publication)
        else:
            self.is_heard = True


def _grew_older(at: Position, found: Found) -> bool:
    """Tell whether a channel to which nothing was published only has another epoch by now: see ``meta.lua``."""
    state = found.state
    is_older = state.is_first and not at.offset and state.previous == at
    return is_older and _is_run(found.publications, after=0, until=state.position.offset)


def _is_run(publications: Sequence[Publication], *, after: int, until: int) -> bool:
    """Tell whether *publications* are *after* + 1 to *until* without a hole."""
    return [publication.offset for publication in publications] == list(range(after + 1, until + 1))
