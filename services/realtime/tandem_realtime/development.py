"""Pages and sockets of one project in one process: what ``manage.py runtandem`` starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tandem_realtime.consumers.line import LINES
from tandem_realtime.observing.watch import Watch
from tandem_realtime.routing import application_beside
from tandem_realtime.runtime import runtime
from tandem_realtime.server import Limits, Server
from tandem_realtime.server.reactor import event_loop

Log = Callable[[str], None]


def serve(pages: Any, endpoint: str, *, log: Log, has_signals: bool) -> int:
    """
    Serve *pages* (an ASGI application) and the sockets on *endpoint* until it is stopped; return the exit status.

    *log* is called with a line for each request; without *has_signals* somebody else ends the process, as the
    autoreloader does, in whose thread no signal arrives.
    """

    async def begin() -> None:
        runtime()
        watch.start()

    async def stop() -> None:
        await watch.stop()
        await runtime().stop()

    server = Server(
        application_beside(pages),
        [endpoint],
        limits=Limits(drain_seconds=0),
        lines=LINES,
        on_stop=stop,
        server_name="tandem",
        signal_handlers=has_signals,
        action_logger=lambda protocol, action, details: _log_action(log, protocol, action, details),
    )
    watch = Watch(server)
    event_loop().run_until_complete(begin())
    return server.run()


def _log_action(log: Log, protocol: str, action: str, details: dict[str, Any]) -> None:
    now = time.strftime("%d/%b/%Y %H:%M:%S")
    if protocol == "http" and action == "complete":
        path = details["path"].partition("?")[0]  # a query may have a ticket
        log(f"[{now}] {details['method']} {path} {details['status']}")
    elif protocol == "websocket":
        log(f"[{now}] WebSocket {action} {details['path']}")
