"""Which ports are taken, and by whom."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Mapping
from pathlib import Path

from demo.problem import Problem

LISTEN = "0A"


def check_free(ports: Mapping[str, int], *, host: str) -> None:
    """Raise `Problem` that names every port of *ports* that cannot be had; only the edge listens on *host*."""
    taken = []
    for program, port in ports.items():
        try:
            _listen(host if program == "edge" else "127.0.0.1", port)
        except OSError as error:
            taken.append(_sentence(program, port, error))
    if taken:
        raise Problem(" ".join(taken) + " DEMO_PORT=9100 make demo moves all of them.")


def _listen(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen(1)


def _sentence(program: str, port: int, error: OSError) -> str:
    if error.errno != errno.EADDRINUSE:
        return f"The {program} cannot listen on port {port} ({os.strerror(error.errno or 0)})."
    owner = find_owner(port)
    return f"Port {port}, for the {program}, is taken{f' by {owner}' if owner else ''}."


def find_owner(port: int, *, proc: Path = Path("/proc")) -> str:
    """Return "name (pid n)" of the process that listens on *port*, or "" if that cannot be seen from here."""
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port, proc)}
    for descriptor in proc.glob("[0-9]*/fd/*") if wanted else ():
        try:
            if os.readlink(descriptor) in wanted:
                process = descriptor.parent.parent
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:  # another user's, or gone
            continue
    return "another user's process" if wanted else ""


def _listening_inodes(port: int, proc: Path) -> set[str]:
    found = set()
    for table in ("net/tcp", "net/tcp6"):
        try:
            lines = (proc / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
    return found
