"""What else holds sockets for somebody's pages: Centrifugo, and `ws` and Socket.IO under node."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable

from rig.packages import package_of
from rig.servers import SERVICES, MissingServer, find_program, free_port

from .contenders import CHANNEL, NAMESPACES, Contender

CENTRIFUGO = "CENTRIFUGO"
"""The variable that names Centrifugo's program; without it Centrifugo does not take part."""
NODE = SERVICES / "loadgen" / "node"
_KEY = "for-a-benchmark-on-loopback"


def centrifugo(redis_url: str) -> Contender:
    """Return Centrifugo as it is deployed: its Redis engine, publications by its HTTP API, options as Tandem's."""
    port = free_port()
    return Contender(
        "centrifugo",
        [_centrifugo()],
        f"ws://127.0.0.1:{port}/connection/websocket",
        "api",
        env={f"{CENTRIFUGO}_{option}": value for option, value in _options(port, redis_url).items()},
        where={"api_url": f"http://127.0.0.1:{port}/api", "api_key": _KEY},
        recovers=True,
    )


def _options(port: int, redis_url: str) -> dict[str, str]:
    name = CHANNEL.partition(":")[0]
    namespace = {
        "name": name,
        "history_size": NAMESPACES[name]["history_size"],
        "history_ttl": f"{NAMESPACES[name]['history_ttl']}s",
        "force_recovery": True,
        "allow_subscribe_for_client": True,
        "allow_subscribe_for_anonymous": True,
    }
    return {
        "HTTP_SERVER_ADDRESS": "127.0.0.1",
        "HTTP_SERVER_PORT": str(port),
        "HTTP_API_KEY": _KEY,
        "ENGINE_TYPE": "redis",
        "ENGINE_REDIS_ADDRESS": redis_url,
        "CLIENT_ALLOWED_ORIGINS": "*",
        "CLIENT_ALLOW_ANONYMOUS_CONNECT_WITHOUT_TOKEN": "true",
        "CHANNEL_NAMESPACES": json.dumps([namespace]),
        "USAGE_STATS_DISABLED": "true",
        "LOG_LEVEL": "warn",
    }


def ws(redis_url: str) -> Contender:
    """Return a server on npm's `ws` that subscribes to Redis: opening is subscribing, as with stock Channels."""
    return _node("ws", redis_url, path="{channel}", publisher="message")


def socketio(redis_url: str) -> Contender:
    """Return Socket.IO behind its Redis adapter, over WebSocket only; a socket joins a room by an event."""
    return _node("socketio", redis_url, path="socket.io/?EIO=4&transport=websocket", publisher="emitter")


def _node(name: str, redis_url: str, *, path: str, publisher: str) -> Contender:
    if not _is_installed():
        raise MissingServer(package_of("npm"))
    port = free_port()
    return Contender(
        name,
        [find_program("node"), str(NODE / f"{name}.mjs"), str(port), redis_url],
        f"ws://127.0.0.1:{port}/{path}",
        publisher,
        env={"NODE_ENV": "production"},
        where={"redis_url": redis_url},
        dialect="socketio" if name == "socketio" else "json",
    )


PEERS: dict[str, Callable[[str], Contender]] = {"centrifugo": centrifugo, "ws": ws, "socketio": socketio}


def absent() -> dict[str, str]:
    """Return who cannot take part, and what is wanting; raises `ValueError` if `CENTRIFUGO` names no program."""
    wanting = {}
    if not os.environ.get(CENTRIFUGO):
        wanting["centrifugo"] = f"{CENTRIFUGO}=<its program>"
    else:
        _centrifugo()
    if not shutil.which("node") or not _is_installed():
        wanting |= dict.fromkeys(("ws", "socketio"), "node, npm and `make sdks`")
    return wanting


def _is_installed() -> bool:
    return (NODE / "node_modules" / "socket.io").is_dir()


def _centrifugo() -> str:
    name = os.environ.get(CENTRIFUGO, "")
    if not (program := shutil.which(name)):
        raise ValueError(f"{CENTRIFUGO}={name}: expected the path of Centrifugo's program")
    return program


def versions() -> dict[str, str]:
    """Return the version of each peer that can take part."""
    found = {}
    wanting = absent()
    if "centrifugo" not in wanting:
        found["centrifugo"] = _said(_centrifugo(), "version")
    if "ws" not in wanting:
        found["node"] = _said(find_program("node"), "--version")
        for package in ("ws", "socket.io", "@socket.io/redis-adapter"):
            text = (NODE / "node_modules" / package / "package.json").read_text()
            found[package] = json.loads(text)["version"]
    return found


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
