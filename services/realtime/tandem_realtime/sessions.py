"""Who is connected to this process: sessions by client, by user and by login, without looking at the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tandem_realtime.session.session import Session


class Sessions(dict[str, "Session"]):
    """The sessions by client. Nobody asks for those of no user or no login, so these are not found that way."""

    def __init__(self) -> None:
        super().__init__()
        self._users: dict[str, dict[str, Session]] = {}
        self._logins: dict[str, dict[str, Session]] = {}

    def add(self, session: Session) -> None:
        """Have *session* found, by what it is now."""
        self[session.client] = session
        for index, name in ((self._users, session.user), (self._logins, session.login)):
            if name:
                index.setdefault(name, {})[session.client] = session

    def remove(self, session: Session) -> None:
        """Have *session* found no more. What it is has not changed since `add`."""
        if self.pop(session.client, None) is None:
            return
        for index, name in ((self._users, session.user), (self._logins, session.login)):
            if same := index.get(name):
                same.pop(session.client, None)
                if not same:
                    del index[name]

    def of_user(self, user: str) -> list[Session]:
        """Return the sessions of *user*."""
        return list(self._users.get(user, {}).values())

    def of_login(self, login: str) -> list[Session]:
        """Return the sessions of *login*."""
        return list(self._logins.get(login, {}).values())
