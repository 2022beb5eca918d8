"""Start the realtime service: ``python -m tandem_realtime``."""

from __future__ import annotations

import gc
import sys

from tandem_realtime.server import Limits, Server
from tandem_realtime.server.reactor import event_loop, reactor


def main() -> int:
    """Serve until SIGTERM and a drain; return the exit status."""
    from django.conf import settings

    from tandem import tracing
    from tandem_realtime.asgi import application
    from tandem_realtime.runtime import runtime
    from tandem_realtime.watch import Watch

    if settings.TANDEM_TRACES:
        tracing.start("realtime")

    limits = Limits(
        max_connections=settings.MAX_CONNECTIONS,
        handshakes_per_second=settings.HANDSHAKES_PER_SECOND,
        max_message_bytes=settings.MAX_MESSAGE_BYTES,
        max_buffer_bytes=settings.MAX_BUFFER_BYTES,
        backlog=settings.BACKLOG,
        drain_seconds=settings.DRAIN_SECONDS,
        max_age_seconds=settings.MAX_AGE_SECONDS,
    )
    endpoint = f"tcp:port={settings.PORT}:interface={settings.HOST}"

    async def begin() -> None:
        runtime()

    async def stop() -> None:
        await watch.stop()
        await runtime().stop()

    server = Server(application, [endpoint], limits=limits, on_stop=stop, server_name="tandem")
    watch = Watch(server)
    # Before it listens: a wrong setting ends the process here.
    event_loop().run_until_complete(begin())
    watch.listen(reactor, settings.PRIVATE_PORT, settings.HOST)
    _calm_the_collector()
    return server.run()


def _calm_the_collector() -> None:
    """
    Look for cycles less often, and never among what was imported.

    A connection makes some hundred objects that live as long as it does; with Python's thresholds, connecting 6,000
    clients spent a fifth of its time in collections that found nothing.
    """
    gc.set_threshold(20_000, 20, 20)
    gc.freeze()


if __name__ == "__main__":
    sys.exit(main())
