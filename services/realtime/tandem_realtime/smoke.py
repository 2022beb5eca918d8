"""``python -m tandem_realtime.smoke``: what is published comes out of a socket. Behind `helm test`, in any project."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import django
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

STEP_SECONDS = 10.0
USER = "tandem.smoke"

T = TypeVar("T")


class Failed(Exception):
    """The way is broken; the text says where."""


def main() -> int:
    """Walk the way; return 0 when every step worked, 1 and one line when one did not."""
    parser = argparse.ArgumentParser(
        description="Publish, and receive it on a socket; ask the application for an answer."
    )
    parser.add_argument("--ws", required=True, help="address of the socket, such as ws://tandem-edge/ws/")
    parser.add_argument("--http", help="address of the application, such as http://tandem-edge/")
    parser.add_argument("--wait", type=float, default=60, help="seconds to wait for the first answer")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tandem_realtime.settings")
    django.setup()
    try:
        if options.http:
            status = first_answer(lambda: answer_of(options.http), options.wait)
            print(f"HTTP: {options.http} answered {status}")
        with first_answer(lambda: connect(options.ws, open_timeout=STEP_SECONDS), options.wait) as socket:
            publication_comes(socket)
    except (Failed, OSError, WebSocketException) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    print("whole")
    return 0


def first_answer(ask: Callable[[], T], seconds: float) -> T:
    """Repeat *ask* until it answers; raises what it raised last after *seconds*."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except (Failed, OSError, WebSocketException):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def answer_of(url: str) -> int:
    """Return the status that *url* answers: any but those that say that nobody is there to answer."""
    try:
        with urllib.request.urlopen(url, timeout=STEP_SECONDS) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        if error.code >= 500:
            raise Failed(f"HTTP: {url} answered {error.code}") from None
        return error.code  # a login, an unknown page: the application spoke


def publication_comes(socket: ClientConnection) -> None:
    """Subscribe, publish, and wait for just that publication."""
    channel, tokens = a_channel()
    replies = frames(socket)
    commands: list[dict[str, Any]] = [
        {"connect": {"token": tokens[0]} if tokens else {}},
        {"subscribe": {"channel": channel, **({"token": tokens[1]} if tokens else {})}},
    ]
    for number, command in enumerate(commands, start=1):
        socket.send(json.dumps({"id": number, **command}))
        reply = next(item for item in replies if item.get("id") == number)
        if "error" in reply:
            raise Failed(f"socket: {next(iter(command))} was answered {reply['error']}")
    mark = secrets.token_hex(8)
    started = time.perf_counter()
    first_answer(lambda: send(channel, mark), STEP_SECONDS)
    for item in replies:
        if item.get("push", {}).get("pub", {}).get("data", {}) == {"smoke": mark}:
            break
    print(f"socket: the publication came {(time.perf_counter() - started) * 1000:.0f} ms after it was sent")


def send(channel: str, mark: str) -> None:
    """Publish *mark*. A publisher gives Redis a quarter of a second: on a busy node that says nothing yet."""
    from tandem import publish  # Django is set up by now
    from tandem.errors import RedisUnavailable

    try:
        publish(channel, {"smoke": mark})
    except RedisUnavailable as error:
        raise Failed(f"Redis: {error}") from None


def a_channel() -> tuple[str, tuple[str, str] | None]:
    """Return a channel that nobody else has, and the tokens that open it where this process can sign any."""
    from tandem import conf
    from tandem.tokens import connection_token, subscription_token

    declared = [name for name in conf.declared_namespaces(conf.settings().namespaces) if not name.startswith("tandem")]
    namespace = "public" if "public" in declared else next(iter(declared))
    channel = f"{namespace}:tandem.smoke.{secrets.token_hex(4)}"
    if not (keys := conf.token_secrets()):
        return channel, None
    return channel, (connection_token(keys[0], USER), subscription_token(keys[0], USER, channel))


def frames(socket: ClientConnection) -> Iterator[dict[str, Any]]:
    """Return what the server says, answering its pings; raises `Failed` when it is silent for too long."""
    while True:
        try:
            text = socket.recv(timeout=STEP_SECONDS)
        except TimeoutError:
            raise Failed(f"socket: nothing came for {STEP_SECONDS:.0f} s") from None
        for line in str(text).splitlines():
            item = json.loads(line)
            if item == {}:
                with contextlib.suppress(WebSocketException):
                    socket.send("{}")
            else:
                yield item


if __name__ == "__main__":
    sys.exit(main())
