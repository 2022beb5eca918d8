"""What the tests of control say to processes, and what their clients hear of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from rig.pair import TOKEN_KEY, Pair
from rig.wire import Wire
from tandem import control
from tandem.revocations import Revocation
from tandem.tokens import connection_token

SOON = 8.0
"""What is promised within two seconds, on a machine four times as slow; a hub looks by itself after twenty."""


def token(user: str, login: str = "", ttl: int = 600, generation: int = 0) -> str:
    return connection_token(TOKEN_KEY, user, session=login, ttl=ttl, generation=generation)


def revoke(subject: str, generation: int = 1) -> None:
    control.revoke([Revocation(subject, generation, 600)])


def urls(pair: Pair) -> tuple[str, str]:
    return f"{pair.here.ws_url}/ws/", f"{pair.there.ws_url}/ws/"


async def refused_token(wire: Wire, text: str) -> tuple[int, str]:
    await wire.socket.send(json.dumps({"id": 1, "connect": {"token": text}}))
    return await wire.closed()


async def push(wire: Wire) -> dict[str, Any]:
    """Return the next push that is about a channel."""
    while "message" in (told := dict(await asyncio.wait_for(wire.pushes.get(), SOON))):
        pass
    return told
