"""The interface server: Daphne for HTTP, `websockets` for WebSockets, and what a deploy asks of a process."""

from .limits import Limits
from .server import Server

__all__ = ["Limits", "Server"]
