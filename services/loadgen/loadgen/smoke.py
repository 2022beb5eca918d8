"""``python -m loadgen.smoke``: one increment over HTTP must come back as a push on a socket. Behind `helm test`."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

CHANNEL = "public:counter.demo"
STEP_SECONDS = 10.0

T = TypeVar("T")


class Failed(Exception):
    """The way is broken; the text says where."""


def main() -> int:
    """Walk the way; return 0 when every step worked, 1 and one line when one did not."""
    parser = argparse.ArgumentParser(description="Increment over HTTP, receive the push.")
    parser.add_argument("--http", required=True, help="address of the api, such as http://tandem-edge")
    parser.add_argument("--ws", help="address of the socket; without it only HTTP is tried")
    parser.add_argument("--wait", type=float, default=60, help="seconds to wait for the first answer")
    options = parser.parse_args()
    try:
        before = first_answer(lambda: call(f"{options.http}/api/counters/demo/"), options.wait)
        print(f"HTTP: the counter is at {before['value']}")
        if options.ws:
            with first_answer(lambda: connect(options.ws, open_timeout=STEP_SECONDS), options.wait) as socket:
                push_follows(socket, options.http)
        else:
            increment(options.http)
        after = call(f"{options.http}/api/counters/demo/")
        if after["version"] <= before["version"]:
            raise Failed(f"HTTP: the counter did not change: {after}")
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
        except (OSError, WebSocketException):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def call(url: str, *, method: str = "GET") -> dict[str, Any]:
    """Return the JSON that *url* answers."""
    request = urllib.request.Request(url, method=method, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=STEP_SECONDS) as response:
        answer: dict[str, Any] = json.load(response)
        return answer


def increment(http: str) -> dict[str, Any]:
    """Press the button; return the counter as it is then."""
    counter = call(f"{http}/api/counters/demo/increment/", method="POST")
    print(f"HTTP: incremented to {counter['value']}")
    return counter


def push_follows(socket: ClientConnection, http: str) -> None:
    """Subscribe, increment, and wait for the push of that increment (others may come before it)."""
    replies = frames(socket)
    commands: list[dict[str, Any]] = [{"connect": {}}, {"subscribe": {"channel": CHANNEL}}]
    for number, command in enumerate(commands, start=1):
        socket.send(json.dumps({"id": number, **command}))
        reply = next(item for item in replies if item.get("id") == number)
        if "error" in reply:
            raise Failed(f"socket: {next(iter(command))} was answered {reply['error']}")
    started = time.perf_counter()
    version = increment(http)["version"]
    for item in replies:
        data = item.get("push", {}).get("pub", {}).get("data", {})
        if data.get("version") == version:
            break
    print(f"socket: the push came {(time.perf_counter() - started) * 1000:.0f} ms after the request was sent")


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
