"""
The official SDK, told what to do line by line (JSON on stdin), telling what happens line by line (JSON on stdout).

    client.py <endpoint> json|protobuf

What it is told and what it tells is the same as with ../client.mjs. PYTHONPATH says which version of the SDK it is.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
from typing import Any

os.environ["no_proxy"] = "*"

from centrifuge import Client, ClientEventHandler, ReplyError, StreamPosition, SubscriptionEventHandler

ENDPOINT, DIALECT = sys.argv[1:3]
IS_BINARY = DIALECT == "protobuf"
DELAYS = {"min_reconnect_delay": 0.05, "max_reconnect_delay": 0.5}

client: Client
subscriptions: dict[str, Any] = {}


def tell(event: str, **context: Any) -> None:
    """Say what has happened."""
    print(json.dumps({"event": event, **context}), flush=True)


def read(data: Any) -> Any:
    """Return data as JSON: in Protobuf it is bytes."""
    return json.loads(data) if isinstance(data, bytes) else data


def encoded(data: Any) -> Any:
    """Return data as the SDK wants it."""
    return json.dumps(data).encode() if IS_BINARY else data


def told(context: Any, names: str) -> dict[str, Any]:
    """Return what the SDK reports, under the names that JavaScript gives it."""
    found: dict[str, Any] = {}
    for name in names.split():
        value = getattr(context, name, None)
        if name == "pub":
            found.update(published(value))
        elif name == "info":
            found["info"] = {"user": value.user, "client": value.client, "connInfo": read(value.conn_info or None)}
        elif name == "stream_position" and value is not None:
            found["streamPosition"] = {"offset": value.offset, "epoch": value.epoch}
        elif name == "data":
            found["data"] = read(value or None)
        elif value is not None:
            first, *rest = name.split("_")
            found[first + "".join(part.title() for part in rest)] = value
    return found


def published(pub: Any) -> dict[str, Any]:
    """Return a publication."""
    found = {"data": read(pub.data), "offset": pub.offset}
    if pub.tags:
        found["tags"] = dict(pub.tags)
    if pub.info:
        found.update(told(pub, "info"))
    return found


REPORTS = {
    "connecting": "code reason",
    "connected": "client",
    "disconnected": "code reason",
    "message": "data",
    "subscribing": "channel code",
    "subscribed": "channel recoverable was_recovering recovered stream_position data",
    "unsubscribed": "channel code",
    "publication": "channel pub",
    "join": "channel info",
    "leave": "channel info",
}


def handler(base: type, channel: str = "") -> Any:
    """Return a handler that tells everything; what a client says of channels is about the server's subscriptions."""

    def method(name: str, names: str) -> Any:
        about_channel = "channel" in names.split()
        event = f"server.{name}" if about_channel and not channel else name

        async def report(self: Any, context: Any) -> None:
            tell(event, **{**told(context, names), **({"channel": channel} if channel else {})})

        return report

    async def on_error(self: Any, context: Any) -> None:
        tell("error", message=str(context))

    methods = {f"on_{name}": method(name, names) for name, names in REPORTS.items() if hasattr(base, f"on_{name}")}
    return type("Handler", (base,), {**methods, "on_error": on_error})()


def giving(order: dict[str, Any]) -> dict[str, Any]:
    """Return what gives the tokens of *order*, one at a time."""
    if "tokens" not in order:
        return {}
    tokens = order["tokens"]

    async def get_token(*args: Any) -> str:
        tell("token")
        return str(tokens.pop(0)) if tokens else ""

    return {"get_token": get_token}


def loading(order: dict[str, Any]) -> dict[str, Any]:
    """Return what gives the states of *order*, where the SDK knows of that."""
    if "states" not in order:
        return {}

    async def get_state(*args: Any) -> StreamPosition:
        tell("state", channel=order["channel"])
        return StreamPosition(**order["states"].pop(0))

    return {"get_state": get_state}


def known(call: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return those of *options* that this version of the SDK has."""
    return {name: value for name, value in options.items() if name in inspect.signature(call).parameters}


async def connect(order: dict[str, Any]) -> None:
    """Connect."""
    global client
    options = {"token": order.get("token", ""), "use_protobuf": IS_BINARY, "proxy": None, **DELAYS, **giving(order)}
    client = Client(ENDPOINT, events=handler(ClientEventHandler), **known(Client, options))
    await client.connect()


async def subscribe(order: dict[str, Any]) -> None:
    """Subscribe."""
    from centrifuge import DeltaType

    channel = order["channel"]
    options = {
        "token": order.get("token", ""),
        "join_leave": order.get("joinLeave", False),
        "positioned": order.get("positioned", False),
        "recoverable": order.get("recoverable", False),
        "min_resubscribe_delay": 0.05,
        "max_resubscribe_delay": 0.5,
        **({"delta": DeltaType(order["delta"])} if order.get("delta") else {}),
        **giving(order),
        **loading(order),
    }
    events = handler(SubscriptionEventHandler, channel)
    subscriptions[channel] = client.new_subscription(channel, events=events, **known(client.new_subscription, options))
    await subscriptions[channel].subscribe()


async def call(order: dict[str, Any]) -> None:
    """Call a method of the client or of a subscription."""
    method, args = order["method"], order.get("args", [])
    try:
        result = await CALLS[method](subscriptions.get(order.get("channel", "")), *args)
    except ReplyError as error:
        tell("failure", method=method, code=error.code, message=str(error))
    else:
        tell("result", method=method, result=result)


async def publish(subscription: Any, data: Any) -> dict[str, Any]:
    await subscription.publish(encoded(data))
    return {}


async def history(subscription: Any, asked: dict[str, Any]) -> dict[str, Any]:
    since = StreamPosition(**asked["since"]) if "since" in asked else None
    found = await subscription.history(limit=asked.get("limit", 0), since=since, reverse=asked.get("reverse", False))
    publications = [published(pub) for pub in found.publications]
    return {"publications": publications, "offset": found.offset, "epoch": found.epoch}


async def presence(subscription: Any) -> dict[str, Any]:
    found = await subscription.presence()
    return {"clients": {id: {"user": info.user, "client": info.client} for id, info in found.clients.items()}}


async def presence_stats(subscription: Any) -> dict[str, Any]:
    found = await subscription.presence_stats()
    return {"numClients": found.num_clients, "numUsers": found.num_users}


async def rpc(_: Any, method: str) -> dict[str, Any]:
    return {"data": read((await client.rpc(method, encoded({}))).data)}


async def send(_: Any, data: Any) -> dict[str, Any]:
    await client.send(encoded(data))
    return {}


CALLS = {
    "publish": publish,
    "history": history,
    "presence": presence,
    "presenceStats": presence_stats,
    "rpc": rpc,
    "send": send,
}


async def obey(order: dict[str, Any]) -> None:
    """Do what a line says."""
    match order["action"]:
        case "connect":
            await connect(order)
        case "subscribe":
            await subscribe(order)
        case "unsubscribe":
            await subscriptions[order["channel"]].unsubscribe()
        case "resubscribe":
            await subscriptions[order["channel"]].subscribe()
        case "disconnect":
            await client.disconnect()
        case "reconnect":
            await client.connect()
        case "call":
            await call(order)


async def main() -> None:
    """Read lines until there are no more."""
    loop = asyncio.get_running_loop()
    tell("ready")
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        await obey(json.loads(line))
    os._exit(0)


asyncio.run(main())
