"""What the settings say about connections, as one value."""

from __future__ import annotations

from dataclasses import dataclass, fields

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Options:
    """Limits and times (seconds) of a connection. Each is the Django setting of the same name in capitals."""

    ping_seconds: float = 25
    pong_seconds: float = 8
    connect_seconds: float = 10
    commands_per_second: float = 50
    max_subscriptions: int = 128
    max_buffer_bytes: int = 1_048_576
    max_message_bytes: int = 65_536
    recovery_limit: int = 300
    allowed_origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.pong_seconds >= self.ping_seconds:
            given = f"{self.pong_seconds:g} and {self.ping_seconds:g}"
            raise ImproperlyConfigured(f"PONG_SECONDS must be less than PING_SECONDS, not {given}")

    @classmethod
    def from_settings(cls) -> Options:
        """Read the Django settings of this process."""
        names = {field.name: field.name.upper() for field in fields(cls) if field.name != "allowed_origins"}
        given = {name: getattr(settings, setting) for name, setting in names.items() if hasattr(settings, setting)}
        return cls(**given, allowed_origins=tuple(each.rstrip("/").lower() for each in settings.TANDEM_ALLOWED_ORIGINS))
