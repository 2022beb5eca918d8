"""What was revoked, as far as this process knows, and what it means for a token. The time is passed in. No I/O here."""

from __future__ import annotations

from enum import Enum
from heapq import heappop, heappush

from tandem.revocations import Revocation, of_channel, of_login, of_password, of_token, of_user
from tandem.tokens import ConnectionClaims


class Bar(Enum):
    """Whether something bars a token: `NOTHING`, for good (`ENDED`), or until its client has `RENEWED` it."""

    NOTHING = "good"
    RENEWED = "to be renewed"
    ENDED = "worthless"


class Revocations:
    """Keeps each revocation for as long as a token that it concerns could live. *now* never goes back."""

    def __init__(self) -> None:
        self._below: dict[str, int] = {}
        self._ends: dict[str, float] = {}
        self._next: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._below)

    def add(self, revocation: Revocation, now: float) -> None:
        """Take note of *revocation*: again, or in another order, comes to the same."""
        self._forget(now)
        subject, end = revocation.subject, now + revocation.seconds
        self._below[subject] = max(revocation.generation, self._below.get(subject, 0))
        if end > self._ends.get(subject, 0.0):
            self._ends[subject] = end
            heappush(self._next, (end, subject))

    def bars(self, subject: str, generation: int, now: float) -> bool:
        """Tell whether *subject* was revoked for tokens of *generation*."""
        return self._ends.get(subject, 0.0) > now and generation < self._below[subject]

    def bar(self, claims: ConnectionClaims, now: float) -> Bar:
        """Judge a connection token: its login, the token itself, its user, and the channels that it brings."""
        user, generation = claims.sub, claims.gen
        for subject in (of_login(claims.sid), of_token(claims.jti, user)):
            if self._ends.get(subject, 0.0) > now:
                return Bar.ENDED
        if user and self.bars(of_user(user), generation, now):
            return Bar.ENDED
        renewable = [of_password(user), *(of_channel(name, user) for name in (*claims.channels, *claims.subs))]
        return Bar.RENEWED if any(self.bars(subject, generation, now) for subject in renewable) else Bar.NOTHING

    def bars_channel(self, channel: str, user: str, generation: int, now: float) -> bool:
        """Tell whether a subscription token, or a ticket's channel, of *generation* is worthless."""
        subjects = of_user(user), of_password(user), of_channel(channel, user)
        return any(self.bars(subject, generation, now) for subject in subjects)

    def _forget(self, now: float) -> None:
        while self._next and self._next[0][0] <= now:
            end, subject = heappop(self._next)
            if self._ends.get(subject) == end:  # else it was revoked again
                del self._ends[subject], self._below[subject]
