"""What one client says and hears, on whatever transport: the protocol's state for a connection."""

from tandem_realtime.session.session import Session

__all__ = ["Session"]
