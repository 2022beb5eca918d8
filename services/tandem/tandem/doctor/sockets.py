"""Try the address where the browsers find the sockets: routed, with our keys, over our Redis."""

from __future__ import annotations

import base64
import http.client
import json
import secrets
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from tandem import conf
from tandem.doctor.findings import Finding, judge_connect, judge_handshake
from tandem.errors import TandemError
from tandem.namespaces import INTERNAL
from tandem.publisher import publish
from tandem.tokens import connection_token

TIMEOUT_SECONDS = 5.0


def try_sockets(url: str, *, has_redis: bool = True) -> Iterator[Finding]:
    """
    Tell what is found at *url*, the address of the pages: ``https://shop.example``.

    Without a Redis of both (*has_redis*) nothing is published.
    """
    try:
        yield judge_handshake(_handshake(url))
    except OSError as error:
        yield Finding("wrong", f"{url} does not answer: {error}", "Is that the address that a browser would use?")
        return
    except http.client.HTTPException as error:
        yield Finding("wrong", f"{url} does not speak HTTP: {error!r}", "Is that the address of the edge?")
        return
    if not conf.token_secrets():
        yield Finding(
            "note", "no token can be made here: TANDEM has public keys alone", "Try it where tokens are made."
        )
        return
    yield from _round_trip(url, has_redis=has_redis)


def _handshake(url: str) -> int:
    connection = _connect(url)
    with closing(connection):
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        connection.request("GET", _path(url, "/ws/"), headers={**upgrade, "Sec-WebSocket-Key": key})
        return connection.getresponse().status


def _round_trip(url: str, *, has_redis: bool) -> Iterator[Finding]:
    """Connect with a token made here, which subscribes to a channel; publish there from here; wait for it."""
    channel = _channel()
    token = connection_token(
        conf.token_secrets()[0], ttl=60, channels=[channel], namespaces=conf.declared_for([channel])
    )
    connection = _connect(url)
    with closing(connection):
        body = json.dumps({"id": 1, "connect": {"token": token, "name": "doctor"}})
        try:
            connection.request("POST", _path(url, "/ws/http_stream"), body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            if response.status != 200:
                cure = "Have the edge send all of /ws to realtime, not /ws/ alone."
                yield Finding("wrong", f"/ws/http_stream answers {response.status}", cure)
                return
            said = judge_connect(_line(response))
            yield said
            if said.level == "ok" and has_redis:
                yield _publish_and_hear(channel, response)
        except (OSError, http.client.HTTPException, ValueError) as error:
            cure = "Has the edge response buffering off for /ws, and realtime a Redis?"
            yield Finding("wrong", f"/ws/http_stream opens and says nothing: {error!r}", cure)


def _publish_and_hear(channel: str, response: http.client.HTTPResponse) -> Finding:
    text = secrets.token_hex(8)
    try:
        publish(channel, {"doctor": text})
    except TandemError as error:
        return Finding("wrong", f"nothing can be published from here: {error}", "See what is said of Redis above.")
    try:
        while True:
            push = _line(response).get("push", {})
            if push.get("pub", {}).get("data") == {"doctor": text}:
                return Finding("ok", "a publication went from here to Redis, to realtime, and back through the edge")
    except (OSError, http.client.HTTPException, ValueError):
        cure = "Give both sides the same TANDEM_REDIS_URLS, in the same order, and the same database number."
        return Finding("wrong", "what is published here does not arrive there: is that another Redis?", cure)


def _line(response: http.client.HTTPResponse) -> dict[str, Any]:
    """Return the next message that is not a ping. Raises `ValueError` at the end."""
    while True:
        if not (line := response.readline()):
            raise ValueError("the response ended")
        if message := json.loads(line):
            return dict(message)


def _channel() -> str:
    names = [name for name in conf.declared_namespaces(conf.settings().namespaces) if name not in INTERNAL]
    name = "public" if "public" in names else names[0]
    rest = f"tandem.doctor.{secrets.token_hex(4)}"
    return f"{name}:{rest}" if name else rest


def _connect(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url if "//" in url else f"http://{url}")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname or "localhost", parts.port, timeout=TIMEOUT_SECONDS)


def _path(url: str, path: str) -> str:
    return urlsplit(url if "//" in url else f"http://{url}").path.rstrip("/") + path
