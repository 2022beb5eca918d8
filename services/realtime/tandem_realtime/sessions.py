"""Who is connected to this process: sessions by client, by user and by login, without looking at the others."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar


class Known(Protocol):
    """Whoever is found by these."""

    client: str
    user: str
    login: str


S = TypeVar("S", bound=Known)


class Sessions(dict[str, S], Generic[S]):
    """The sessions by client. Nobody asks for those of no user or no login, so these are not found that way."""

    def __init__(self) -> None:
        super().__init__()
        self._users: dict[str, dict[str, S]] = {}
        self._logins: dict[str, dict[str, S]] = {}

    def add(self, session: S) -> None:
        """Have *session* found, by what it is now."""
        self[session.client] = session
        for index, name in ((self._users, session.user), (self._logins, session.login)):
            if name:
                index.setdefault(name, {})[session.client] = session

    def remove(self, session: S) -> None:
        """Have *session* found no more. What it is has not changed since `add`."""
        if self.pop(session.client, None) is None:
            return
        for index, name in ((self._users, session.user), (self._logins, session.login)):
            if same := index.get(name):
                same.pop(session.client, None)
                if not same:
                    del index[name]

    def of_user(self, user: str) -> list[S]:
        """Return the sessions of *user*."""
        return list(self._users.get(user, {}).values())

    def count_of(self, user: str) -> int:
        """Return how many sessions *user* has."""
        return len(self._users.get(user, ()))

    def of_login(self, login: str) -> list[S]:
        """Return the sessions of *login*."""
        return list(self._logins.get(login, {}).values())
