"""Start the realtime service: ``python -m tandem_realtime``."""

from __future__ import annotations

import logging
import logging.config
import sys

from tandem_realtime.server import Limits, Server
from tandem_realtime.server.reactor import event_loop, reactor

# isort: split
from twisted.internet.endpoints import quoteStringArgument


def main() -> int:
    """Serve until SIGTERM and a drain; return the exit status."""
    from tandem import conf, tracing
    from tandem.logs import logging_config
    from tandem.memory import is_memory
    from tandem_realtime.allocator import Holes, return_large_blocks
    from tandem_realtime.asgi import application  # sets Django up
    from tandem_realtime.collector import Collector
    from tandem_realtime.consumers.line import LINES
    from tandem_realtime.observing.watch import Watch
    from tandem_realtime.runtime import runtime

    settings = conf.settings()

    if not logging.getLogger().handlers:  # a project that says nothing of logging must still hear of its sockets
        logging.config.dictConfig(logging_config(settings.log_level))

    if settings.traces:
        tracing.start("realtime")

    if is_memory(conf.redis_urls()[0]) and not settings.http_app:
        logging.getLogger("tandem_realtime").warning("No Redis: nothing that another process publishes arrives here")

    if settings.insecure:
        text = (
            "INSECURE: everybody may do everything in every channel, and no token is looked at. Never serve users so."
        )
        logging.getLogger("tandem_realtime").warning(text)

    limits = Limits(
        max_connections=settings.max_connections,
        max_per_address=settings.max_connections_per_address,
        handshakes_per_second=settings.handshakes_per_second,
        handshakes_per_address=settings.handshakes_per_second_per_address,
        max_message_bytes=settings.max_message_bytes,
        max_body_bytes=settings.max_body_bytes if settings.http_app else 0,
        max_buffer_bytes=settings.max_buffer_bytes,
        max_backlog_bytes=settings.max_backlog_bytes,
        slow_seconds=settings.slow_seconds,
        backlog=settings.backlog,
        drain_seconds=settings.drain_seconds,
        max_age_seconds=settings.max_age_seconds,
    )
    host = settings.bind_host.strip("[]")
    interface = quoteStringArgument(host)  # type: ignore[no-untyped-call]  # Twisted has no types
    endpoint = f"tcp:port={settings.bind_port}:interface={interface}"

    async def begin() -> None:
        runtime()

    async def stop() -> None:
        await watch.stop()
        await runtime().stop()

    server = Server(
        application,
        [endpoint],
        limits=limits,
        lines=LINES,
        trusted_proxies=settings.trusted_proxies,
        on_stop=stop,
        server_name="tandem",
    )
    watch = Watch(server)
    # Before it listens: a wrong setting ends the process here.
    event_loop().run_until_complete(begin())
    watch.listen(reactor, settings.private_port, host)
    Collector().start(event_loop())
    return_large_blocks()
    Holes().start(event_loop())
    return server.run()


if __name__ == "__main__":
    sys.exit(main())
