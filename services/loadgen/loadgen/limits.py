"""How many sockets one process may hold, and from which addresses it opens them."""

from __future__ import annotations

import resource
import socket

PORTS_PER_ADDRESS = 27_000  # Linux picks source ports from 28,232 (net.ipv4.ip_local_port_range)
_SPARE_FILES = 64
_IP_BIND_ADDRESS_NO_PORT = 24


class TooManyClients(RuntimeError):
    """More sockets than this process may open."""


def raise_file_limit(clients: int) -> None:
    """Make room for *clients* sockets, or raise `TooManyClients` and say how to get there."""
    wanted = clients + _SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            except (ValueError, OSError):
                raise TooManyClients(
                    f"{clients} clients need {wanted} open files, this process may have {hard}: "
                    "raise `ulimit -Hn`, or run several shards (--shards, --shard)"
                ) from None
            return
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def is_bearable(clients: int) -> bool:
    """Tell whether this process may hold so many sockets without asking for a higher limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return hard == resource.RLIM_INFINITY or clients + _SPARE_FILES <= hard


def source_address(index: int, host: str) -> str | None:
    """
    Return the address that client *index* connects from, or None for the host's own choice (always below 0).

    On loopback every 27,000 clients get another of 127.0.0.1, 127.0.0.2, ...: ports run out, addresses do not.
    """
    if not host.startswith("127."):
        return None
    block = max(0, index) // PORTS_PER_ADDRESS
    return f"127.0.{block // 250}.{block % 250 + 1}" if block else None


def open_socket(index: int, address: tuple[str, int], *, receive_buffer: int = 0) -> socket.socket:
    """Return a non-blocking socket that has begun to connect to *address*."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    if source := source_address(index, address[0]):
        sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((source, 0))
    sock.connect_ex(address)
    return sock
