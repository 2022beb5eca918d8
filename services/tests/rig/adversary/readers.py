"""Those who ask for much, and read none of it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from loadgen.frames import handshake
from rig.adversary.scripts import STAY, Aim, Script, command, commands

CHANNEL = "large:history"
COUNT, SIZE = 300, 60_000
"""What is in it: 18 MB."""

_FROM_THE_START = {"channel": CHANNEL, "recover": True, "epoch": "", "offset": 0}


def of_a_history(aim: Aim) -> Script:
    """Come back for all that there is."""
    yield handshake(aim.host, "/ws/")
    yield commands(command(1, connect={}), command(2, subscribe=_FROM_THE_START))
    yield STAY


def of_a_history_over_http(aim: Aim) -> Script:
    """Come back for all that there is, by HTTP."""
    body = "\n".join(json.dumps({"id": number, **said}) for number, said in enumerate(_SAID, 1))
    if aim.number % 2:
        yield f"GET /ws/sse?cf_connect={quote(body)} HTTP/1.1\r\nHost: {aim.host}\r\n\r\n".encode()
    else:
        head = f"POST /ws/http_stream HTTP/1.1\r\nHost: {aim.host}\r\nContent-Length: {len(body)}\r\n\r\n"
        yield (head + body).encode()
    yield STAY


_SAID: tuple[dict[str, Any], ...] = ({"connect": {}}, {"subscribe": _FROM_THE_START})


def of_polls(aim: Aim) -> Script:
    """Poll from the start on, again and again, one question right behind the other."""
    yield f"GET /ws/poll/?channel={CHANNEL}&since=:0 HTTP/1.1\r\nHost: {aim.host}\r\n\r\n".encode() * 50
    yield STAY


def of_answers(aim: Aim) -> Script:
    """Ask for the history again and again, within the rate."""
    yield handshake(aim.host, "/ws/")
    yield commands(command(1, connect={}), command(2, subscribe={"channel": CHANNEL}))
    asks = (command(number, history={"channel": CHANNEL, "limit": COUNT}) for number in range(3, 103))
    yield commands(*asks)
    yield STAY
