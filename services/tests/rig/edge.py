"""The edge of a run: nginx with the repository's routes, on a port of its own."""

from __future__ import annotations

from pathlib import Path

from demo.edge import write_edge_files
from rig.servers import Server, find_program, free_port


def make_edge(directory: Path, *, api: str, realtime: str, own_group: bool = False) -> Server:
    """
    Return nginx, not started, before *api* and *realtime* (``host:port``); its files are in *directory*.

    One that is to be killed with its workers has a group of its own.
    """
    port, prefix = free_port(), directory / "edge"
    write_edge_files(prefix, listen=f"127.0.0.1:{port}", api=api, realtime=realtime)
    command = [find_program("nginx"), "-p", str(prefix), "-c", "nginx.conf", "-g", "daemon off;"]
    return Server(command, port, log=directory / "edge.log", own_group=own_group)
