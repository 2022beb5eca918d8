"""A process with the interface server and an application made for its tests: `server_apps.py PORT LIMITS OPTIONS`."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from tandem_realtime.server import Limits, Server
from tandem_realtime.server.channel import Channel

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
disconnects: list[int] = []
written: dict[str, int] = {}
ended_applications = 0


async def accept(receive: Receive, send: Send, **more: Any) -> None:
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept", **more})


async def echo(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await accept(receive, send)
    while (event := await receive())["type"] == "websocket.receive":
        await send({**event, "type": "websocket.send"})
    disconnects.append(event["code"])


async def decorated(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Accept with the last subprotocol offered and a header."""
    await accept(receive, send, subprotocol=scope["subprotocols"][-1], headers=[(b"x-pod", b"seven")])
    await receive()


async def reject(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close"})
    assert await receive() == {"type": "websocket.disconnect", "code": 1006, "reason": ""}


async def crash_early(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    raise RuntimeError("crashed before accept")


async def crash(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await accept(receive, send)
    await receive()
    raise RuntimeError("crashed after accept")


async def end(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await accept(receive, send)


async def close(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Close with the code that the client asks for, and remember what came after."""
    await accept(receive, send)
    code = int((await receive())["text"])
    await send({"type": "websocket.close", "code": code, "reason": "as you wish"})
    disconnects.append((await receive())["code"])


async def never(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer no handshake."""
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def stubborn(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Stay after the disconnect."""
    await accept(receive, send)
    await asyncio.sleep(3600)


async def show_scope(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await accept(receive, send)
    shown = {k: v for k, v in scope.items() if k != "extensions"}
    await send({"type": "websocket.send", "text": json.dumps(shown, default=lambda value: value.decode("latin-1"))})
    await receive()


async def mixed(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Write numbered messages of a size, by the extension and by ASGI, more than the kernel takes at once."""
    await accept(receive, send)
    socket = scope["extensions"]["tandem.socket"]
    count, size = json.loads((await receive())["text"])
    for number in range(count):
        text = f"{number}:{'x' * size}"
        if number % 2:
            await send({"type": "websocket.send", "text": text})
        elif number % 3:
            socket.write_pieces([socket.frame_head(len(text)), text[:9].encode(), text[9:].encode()])
        else:
            socket.write(socket.frame(text.encode()))
    await send({"type": "websocket.send", "text": f"spilled: {socket.buffered > 0}"})
    await receive()


async def flood(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Write until the socket is closed."""
    await accept(receive, send)
    socket = scope["extensions"]["tandem.socket"]
    frame = socket.frame(b"x" * 16_384)
    while socket.is_open:
        socket.write(frame)
        await asyncio.sleep(0)
    disconnects.append((await receive())["code"])


async def slow_to_read(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Ask for no message for a while, then echo all."""
    await accept(receive, send)
    await asyncio.sleep(0.5)
    while (event := await receive())["type"] == "websocket.receive":
        await send({**event, "type": "websocket.send"})


class EchoLine:
    """Send everything back, and fail when told to: a line in place of an application."""

    is_full = False

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    def receive(self, message: str | bytes) -> None:
        """Echo."""
        if message == "crash":
            raise RuntimeError("crashed in a line")
        if isinstance(message, bytes):
            self._socket.write(self._socket.binary_frame(message))
        else:
            self._socket.write(self._socket.frame(message.encode()))

    def lost(self, code: int, reason: str) -> None:
        """Remember the end."""
        disconnects.append(code)


def open_line(scope: dict[str, Any], socket: Any) -> None:
    """Accept, unless the query says otherwise."""
    match scope["query_string"]:
        case b"crash":
            raise RuntimeError("crashed before a line")
        case b"close":
            socket.accept(None)
            socket.close(4001, "not here")
        case _:
            socket.accept(None)
            socket.line = EchoLine(socket)


WEBSOCKETS = {
    f"/{each.__name__}": each
    for each in (
        *(echo, decorated, reject, crash_early, crash, end, close, never),
        *(stubborn, show_scope, mixed, flood, slow_to_read),
    )
}


async def respond(send: Send, body: bytes, *, status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})


async def stream(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Stream until told to end, then say how."""
    ended: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
    scope["extensions"]["tandem.close"](lambda code, reason: ended.set_result((code, reason)))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello\n", "more_body": True})
    flooding = scope["path"].endswith("flood")
    while not ended.done():
        if flooding:
            await send({"type": "http.response.body", "body": b"x" * 16_384, "more_body": True})
        await asyncio.wait([ended], timeout=0 if flooding else 0.05)
    await send({"type": "http.response.body", "body": f"{ended.result()}\n".encode()})


async def state(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Tell what the server counts."""
    counters = server.counters
    shown = {
        "opened": counters.opened,
        "slow": counters.slow,
        "handshakes": counters.handshakes,
        "closed": counters.closed,
        "rejected": counters.rejected,
        "connections": len(server.connections) - 1,
        "buffered": server.buffered,
        "idle": len(server.idle),
        "behind": len(server.backlog),
        "channels": sum(isinstance(each, Channel) for each in gc.get_objects()) - 1,
        "written": written,
        "disconnects": disconnects,
        "applications": ended_applications,
    }
    await respond(send, json.dumps(shown).encode())


async def http(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    path = scope["path"]
    if path == "/state":
        await state(scope, receive, send)
    elif path == "/scope":
        shown = {name: scope[name] for name in ("client", "scheme", "root_path")}
        await respond(send, json.dumps(shown).encode())
    elif path.startswith("/stream"):
        await stream(scope, receive, send)
    elif path == "/crash":
        raise RuntimeError("crashed")
    elif path == "/crash-late":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("crashed in the middle")
    elif path == "/empty":
        await respond(send, b"")
    elif path.startswith("/large"):
        await respond(send, b"x" * 4_000_000)
    elif path.startswith("/parts"):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(100):
            await send({"type": "http.response.body", "body": b"x" * 50_000, "more_body": True})
            written[path] = written.get(path, 0) + 50_000
        await send({"type": "http.response.body", "body": b""})
    elif path == "/slow":
        await asyncio.sleep(1)
        await respond(send, b"done")
    else:
        await respond(send, (await receive())["body"] or path.encode())


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    global ended_applications
    if scope["type"] == "http":
        await http(scope, receive, send)
        return
    try:
        await WEBSOCKETS[scope["path"]](scope, receive, send)
    finally:
        ended_applications += 1


async def report() -> None:
    """Leave the last figures in the log."""
    print(json.dumps({"disconnects": disconnects, "applications": ended_applications}), flush=True)


def consumer_application() -> Any:
    """Return what a Channels user has: a consumer behind the usual middleware."""
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="test",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    )
    django.setup()
    from channels.auth import AuthMiddlewareStack
    from channels.generic.websocket import WebsocketConsumer

    class Echo(WebsocketConsumer):  # type: ignore[misc] # Channels has no types
        def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
            self.send(text_data=f"{self.scope['user']} {text_data}")

        def disconnect(self, code: int) -> None:
            disconnects.append(code)

    consumer = AuthMiddlewareStack(Echo.as_asgi())

    async def either(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await (consumer if scope["type"] == "websocket" else application)(scope, receive, send)

    return either


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    gc.disable()  # whatever ends is to be freed without a search
    port, limits, options = int(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
    app = consumer_application() if options.pop("consumer", False) else application
    endpoints = [f"unix:{path}" for path in options.pop("unix", [])]
    server = Server(
        app,
        [f"tcp:port={port}:interface=127.0.0.1", *endpoints],
        limits=Limits(**limits),
        lines={"/line": open_line},
        on_stop=report,
        **options,
    )
    sys.exit(server.run())
