"""What goes wrong with a notification before it is one."""

from __future__ import annotations


class InvalidNotification(ValueError):
    """A notification cannot be as it was given; *field* is the argument that is at fault."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field


class UnknownKind(InvalidNotification):
    """Nobody has declared that kind."""

    def __init__(self, name: str, hint: str = "") -> None:
        super().__init__("kind", f"{name!r} is not declared{hint}")
