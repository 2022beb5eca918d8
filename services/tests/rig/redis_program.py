"""What the Redis that the tests run against can do: not every build speaks TLS, not every version has our clusters."""

from __future__ import annotations

import re
import subprocess
from functools import cache

from rig.servers import MissingServer, find_redis
from tandem.redis.run import is_too_old


def need_tls() -> None:
    """Raise `MissingServer` if it does not speak TLS."""
    if not _speaks_tls(find_redis()):
        raise MissingServer("a Redis that speaks TLS")


def need_clusters() -> None:
    """Raise `MissingServer` if it is older than any whose clusters are supported."""
    if is_too_old(_version(find_redis()), is_node=True):
        raise MissingServer("a Redis with sharded pub/sub")


@cache
def _speaks_tls(program: str) -> bool:
    """Have it start without the certificate that it would need: one that cannot speak TLS does not get so far."""
    command = [program, "--port", "0", "--tls-port", "1", "--tls-cert-file", "/nowhere", "--save", ""]
    said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout
    return "Failed to configure TLS" in said


@cache
def _version(program: str) -> str:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    [version] = re.findall(r"v=(\S+)", said)
    return str(version)
