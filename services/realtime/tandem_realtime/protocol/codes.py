"""The protocol's numbers: why a connection ends, why a command fails, why a subscription ends."""

from __future__ import annotations

from typing import NamedTuple


class Disconnect(NamedTuple):
    """A close code and its reason. 3500-3999 and 4500-4999 tell the client not to come back."""

    code: int
    reason: str


SERVER_ERROR = Disconnect(3004, "internal server error")
EXPIRED = Disconnect(3005, "connection expired")
SLOW = Disconnect(3008, "slow")
INSUFFICIENT_STATE = Disconnect(3010, "insufficient state")
NO_PONG = Disconnect(3012, "no pong")
TOO_MANY_REQUESTS = Disconnect(3013, "too many requests")
INVALID_TOKEN = Disconnect(3500, "invalid token")
BAD_REQUEST = Disconnect(3501, "bad request")
STALE = Disconnect(3502, "stale")
FORCE_DISCONNECT = Disconnect(3503, "force disconnect")
CONNECTION_LIMIT = Disconnect(3504, "connection limit")
CHANNEL_LIMIT = Disconnect(3505, "channel limit")
PERMISSION_DENIED = Disconnect(3507, "permission denied")


class DisconnectClient(Exception):
    """Raised where a command makes the connection end. *because*, and what else is *told*, is for the log alone."""

    def __init__(self, disconnect: Disconnect, *, because: str = "", **told: str) -> None:
        super().__init__(disconnect.reason)
        self.disconnect = disconnect
        self.because = because
        self.told = told


class Error(NamedTuple):
    """What a failed command answers. `temporary` errors are worth another try."""

    code: int
    message: str
    temporary: bool = False


INTERNAL = Error(100, "internal server error", temporary=True)
UNAUTHORIZED = Error(101, "unauthorized")
UNKNOWN_CHANNEL = Error(102, "unknown channel")
DENIED = Error(103, "permission denied")
METHOD_NOT_FOUND = Error(104, "method not found")
ALREADY_SUBSCRIBED = Error(105, "already subscribed")
LIMIT_EXCEEDED = Error(106, "limit exceeded")
BAD_COMMAND = Error(107, "bad request")
NOT_AVAILABLE = Error(108, "not available")
TOKEN_EXPIRED = Error(109, "token expired")
TOO_FAST = Error(111, "too many requests", temporary=True)
UNRECOVERABLE = Error(112, "unrecoverable position")


class CommandError(Exception):
    """Raised where a command fails and the connection goes on."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self.error = error


class Unsubscribed(NamedTuple):
    """Why the server ended a subscription. From 2500 on the client subscribes again."""

    code: int
    reason: str


BY_SERVER = Unsubscribed(2000, "server unsubscribe")
STATE_LOST = Unsubscribed(2500, "insufficient state")
BY_EXPIRY = Unsubscribed(2501, "subscription expired")
