"""The interface server of one process: it accepts, limits, runs applications and drains."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, MutableMapping
from types import MappingProxyType
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    STDLibLogObserver,
    globalLogBeginner,
)
from twisted.python.failure import Failure

from .connections import Connections, OpenLine
from .deadlines import Deadlines
from .drain import Drain
from .http import Factory, Request
from .limits import Limits
from .listener import Listener
from .reactor import daphne, event_loop, reactor
from .upgrade import UpgradeFactory

logger = logging.getLogger(__name__)


class Server(Connections, daphne.server.Server):  # type: ignore[misc] # Daphne has no types
    """
    Serve *application* on *endpoints* (Twisted's descriptions, such as `tcp:port=8100:interface=0.0.0.0`).

    *lines* serve the WebSockets of some paths in place of the application.
    *trusted_proxies* are the addresses and networks of those who may say whom they speak for. `connections` holds the
    live sockets and requests, `counters` the totals; `is_draining` is for the readiness probe.
    *on_stop* is awaited after a drain, when no application is left. *options* are Daphne's; those for its WebSocket
    protocol (timeouts, sizes, pings) have no effect, `limits` has them.
    """

    def __init__(
        self,
        application: Callable[..., Coroutine[Any, Any, None]],
        endpoints: list[str],
        *,
        limits: Limits | None = None,
        lines: Mapping[str, OpenLine] = MappingProxyType({}),
        trusted_proxies: Iterable[str] = (),
        on_stop: Callable[[], Awaitable[None]] | None = None,
        **options: Any,
    ) -> None:
        daphne.server.Server.__init__(self, application, endpoints, **options)
        Connections.__init__(
            self,
            application,
            event_loop(),
            limits=limits or Limits(),
            lines=lines,
            trusted_proxies=trusted_proxies,
            root_path=self.root_path,
        )
        self.answering: Deadlines[Request] | None = None
        if self.http_timeout:
            self.answering = Deadlines(self.loop, self.http_timeout, lambda request: request.check_timeouts())
        self._on_stop = on_stop
        self._listeners: list[Listener] = []
        self._drain: Drain | None = None
        self._draining: asyncio.Task[None] | None = None

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT and a drain, or until `stop`, and return the exit status."""
        self.http_factory = Factory(self)
        self.ws_factory = UpgradeFactory(self)
        _log_twisted(LogLevel.debug if self.verbosity > 1 else LogLevel.error)
        asyncio.set_event_loop(self.loop)
        self.loop.set_debug(self.verbosity >= 3)
        for description in self.endpoints:
            endpoint = serverFromString(reactor, str(description))  # type: ignore[no-untyped-call] # Twisted's
            listener = endpoint.listen(self.http_factory)
            listener.addCallback(self.listen_success)
            listener.addErrback(self.listen_error)
        reactor.addSystemEventTrigger("before", "shutdown", self.kill_all_applications)
        if self.abort_start:
            return 1
        if self.signal_handlers:
            self.loop.add_signal_handler(signal.SIGTERM, self.drain)
            self.loop.add_signal_handler(signal.SIGINT, self.drain)
        if self.ready_callable:
            self.ready_callable()
        reactor.run(installSignalHandlers=False)
        return 1 if self.abort_start else 0

    def listen_success(self, port: Any) -> None:
        """Take over accepting on *port*."""
        super().listen_success(port)
        self._listeners.append(Listener(self, port))

    def listen_error(self, failure: Failure) -> None:
        """Give up: a process that does not listen must not look alive."""
        self.abort_start = True
        super().listen_error(failure)

    def protocol_disconnected(self, protocol: Request) -> None:
        """Take note that a request is answered, or its client gone."""
        details = self.connections.get(protocol)
        if details is None:
            return
        details["disconnected"] = True
        protocol.count_end()
        self.lingering.discard(protocol)
        if self.answering is not None:
            self.answering.discard(protocol)
        if "application_instance" in details:
            self.ending.add(protocol)
        else:
            del self.connections[protocol]

    def create_application(self, protocol: Request, scope: MutableMapping[str, Any]) -> Any:
        """Run the application on an HTTP request."""
        scope["extensions"] = {"tandem.close": protocol.register_close}
        scope["root_path"] = self.root_path  # not what anybody's header says, as in Daphne
        self.trusted_proxies.tell(scope)
        queue = super().create_application(protocol, scope)
        if queue is not None:
            if self.answering is not None:
                self.answering.add(protocol)
            task = self.connections[protocol]["application_instance"]
            task.add_done_callback(lambda task: self._on_application_done(protocol, task))
        return queue

    async def handle_reply(self, protocol: Request, message: MutableMapping[str, Any]) -> None:
        """Send a part of an answer; the next one when the client has taken most of it."""
        await super().handle_reply(protocol, message)
        if message.get("more_body"):
            await protocol.until_taken()

    def _on_application_done(self, request: Request, task: asyncio.Task[None]) -> None:
        self.ending.discard(request)
        details = self.connections.get(request, {})
        details.pop("application_instance", None)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logger.error("Exception inside application: %s", error, exc_info=error)
        if "disconnected" in details:
            self.connections.pop(request, None)
        else:
            request.end_unanswered()

    def log_socket(self, action: str, scope: MutableMapping[str, Any]) -> None:
        """Tell Daphne's access log, if there is one."""
        if self.action_logger:
            client = "{}:{}".format(*scope["client"]) if scope["client"] else None
            self.log_action("websocket", action, {"path": scope["path"], "client": client})

    # The end

    def drain(self) -> None:
        """Stop accepting, send everybody away over `drain_seconds`, then stop. Called again: hurry."""
        if self._drain is not None:
            self._drain.hasten()
            return
        self.is_draining = True
        self._drain = Drain(self, stop_listening=self.stop_listening)
        self._draining = self.loop.create_task(self._drain_and_stop(self._drain))

    async def _drain_and_stop(self, drain: Drain) -> None:
        try:
            await drain.run()
            if self._on_stop is not None:
                await self._on_stop()
        except Exception:  # nobody awaits this task, and the process must end whatever happens
            logger.exception("Drain failed")
        finally:
            self.stop()

    async def stop_listening(self) -> None:
        """Close every listener, and the HTTP connections that are between two requests."""
        for listener in self._listeners:
            await listener.close()
        for transport in reactor.getReaders():
            channel = getattr(getattr(transport, "protocol", None), "_channel", None)
            if channel is not None and not channel.requests:
                transport.loseConnection()

    def kill_all_applications(self) -> Any:
        """Cancel what still runs when the reactor stops, and wait for it; after a drain that is nothing."""
        tasks = [task for connection in self.connections if (task := connection.application) is not None]
        for task in tasks:
            task.cancel()
        return Deferred.fromFuture(asyncio.gather(*tasks, return_exceptions=True))


def _log_twisted(level: Any) -> None:
    """Send Twisted's own log from *level* up to the standard log; Daphne discards its errors too."""
    predicate: Any = LogLevelFilterPredicate(defaultLogLevel=level)
    standard: Any = STDLibLogObserver("twisted")
    observer: Any = FilteringLogObserver(standard, [predicate])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)
