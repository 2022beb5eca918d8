"""
Two pods of realtime of different releases beside one api, run in a pod: `own address, other address, URL of the api`.

Prints PASS or FAIL for each way between them, and `whole` at the end. The release's keys are in the environment.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SECONDS = 10


def token(user: str) -> str:
    """Sign a connection token, as the api would."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    claims = {"sub": user, "exp": int(time.time()) + 300, "jti": secrets.token_hex(6)}
    signed = f"{part(json.dumps({'alg': 'HS256', 'typ': 'JWT'}).encode())}.{part(json.dumps(claims).encode())}"
    key = os.environ["TOKEN_KEYS"].split(",")[0]
    return f"{signed}.{part(hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest())}"


def ask(api: str, method: str, **body: Any) -> dict[str, Any]:
    """Call the server API."""
    headers = {"Content-Type": "application/json", "X-API-Key": os.environ["API_KEYS"].split(",")[0]}
    request = urllib.request.Request(f"{api}/server/{method}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


class Tab:
    """A connection to one pod."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.pushes: list[dict[str, Any]] = []
        self.replies: dict[int, dict[str, Any]] = {}
        self.code: int | None = None
        self.task = asyncio.create_task(self.read())
        self.number = 0

    async def read(self) -> None:
        """Take what comes."""
        try:
            while True:
                for line in str(await self.socket.recv()).splitlines():
                    message = json.loads(line)
                    if not message:
                        await self.socket.send("{}")
                    elif "id" in message:
                        self.replies[message["id"]] = message
                    else:
                        await self.take(message.get("push", {}))
        except ConnectionClosed as closed:
            self.code = closed.rcvd.code if closed.rcvd else 1006

    async def take(self, push: dict[str, Any]) -> None:
        """Keep a push; subscribe again as the SDKs do where the pod says that it must be loaded anew."""
        self.pushes.append(push)
        if push.get("unsubscribe", {}).get("code", 0) >= 2500:
            self.number += 1
            await self.socket.send(json.dumps({"id": self.number, "subscribe": {"channel": push["channel"]}}))

    async def call(self, **command: Any) -> dict[str, Any]:
        """Send a command and return its reply."""
        self.number += 1
        number = self.number
        await self.socket.send(json.dumps({"id": number, **command}))
        await until(lambda: number in self.replies)
        return self.replies.get(number, {})

    def has_code(self, code: int) -> bool:
        """Tell whether it was closed with *code*."""
        return self.code == code

    def heard(self, kind: str, of: Any) -> bool:
        """Tell whether a push of a *kind* came with *of* in it."""
        return any(json.dumps(of) in json.dumps(push[kind]) for push in self.pushes if kind in push)


async def until(condition: Callable[[], Any], seconds: float = SECONDS) -> bool:
    """Wait until *condition* holds; tell whether it came to it."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True


def say(what: str, good: bool, figure: Any = "") -> None:
    """Print a verdict."""
    print("PASS" if good else "FAIL", what, figure, flush=True)


async def tab_of(address: str, user: str) -> Tab:
    """Open a tab of *user* at a pod."""
    tab = Tab(await connect(f"ws://{address}:8100/ws/", compression=None, ping_interval=None))
    reply = await tab.call(connect={"token": token(user)})
    if "connect" not in reply:
        raise SystemExit(f"connect: {reply}")
    return tab


async def main(own: str, other: str, api: str) -> None:
    """Try each way."""
    room = f"room:{secrets.token_hex(4)}"
    tabs = {"own": await tab_of(own, "ann"), "other": await tab_of(other, "ben")}
    for name, tab in tabs.items():
        reply = await tab.call(subscribe={"channel": room})
        say(f"a tab of the {name} pod subscribes", "subscribe" in reply, reply.get("error", ""))
    joined = await until(lambda: tabs["own"].heard("join", "ben"))
    say("who joins at one pod is told at the other", joined)
    for name, tab in tabs.items():
        reply = (await tab.call(presence={"channel": room})).get("presence", {}).get("presence", {})
        users = sorted(client["user"] for client in reply.values())
        say(f"presence at the {name} pod", users == ["ann", "ben"], users)
    users = sorted(c["user"] for c in ask(api, "presence", channel=room)["result"]["presence"].values())
    say("presence through the server API", users == ["ann", "ben"], users)
    ask(api, "publish", channel=room, data={"mark": 1})
    for name, tab in tabs.items():
        # The first publication of all may begin a stream that the other release began in another way: that is told.
        is_known = await until(lambda tab=tab: tab.heard("pub", {"mark": 1}) or tab.heard("unsubscribe", 2500))
        say(f"the first publication comes at the {name} pod, or it is told to load anew", is_known)
    for tab in tabs.values():
        await until(lambda tab=tab: tab.number in tab.replies)
    ask(api, "publish", channel=room, data={"mark": 2})
    for name, tab in tabs.items():
        say(
            f"what the api publishes comes at the {name} pod",
            await until(partial(tab.heard, "pub", {"mark": 2})),
        )
    ask(api, "disconnect", user="ann")
    ask(api, "disconnect", user="ben")
    for name, tab in tabs.items():
        say(f"disconnect of a user at the {name} pod", await until(partial(tab.has_code, 3503)), tab.code)
    print("whole")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
