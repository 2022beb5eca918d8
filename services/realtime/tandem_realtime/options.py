"""What the settings say about connections, as one value."""

from __future__ import annotations

from dataclasses import dataclass, fields

from tandem import conf


@dataclass(frozen=True, slots=True)
class Options:
    """Limits and times (seconds) of a connection. Each is the key of ``TANDEM`` of the same name."""

    ping_seconds: float = 25
    pong_seconds: float = 8
    connect_seconds: float = 10
    commands_per_second: float = 50
    max_subscriptions: int = 128
    max_connections_per_user: int = 1000
    max_buffer_bytes: int = 1_048_576
    max_message_bytes: int = 65_536
    max_backlog_bytes: int = 67_108_864
    slow_seconds: float = 10
    recovery_limit: int = 0
    recovery_page_bytes: int = 262_144
    insecure: bool = False
    allowed_origins: tuple[str, ...] = ()

    @classmethod
    def from_settings(cls) -> Options:
        """Read the settings of this process."""
        settings = conf.settings()
        same = {field.name: getattr(settings, field.name) for field in fields(cls) if field.name != "allowed_origins"}
        return cls(**same, allowed_origins=tuple(each.rstrip("/").lower() for each in settings.allowed_origins))
