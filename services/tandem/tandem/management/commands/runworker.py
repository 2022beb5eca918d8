"""``manage.py runworker tandem``: Channels' worker, on the channel by which commits tell that there is work."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from argparse import ArgumentParser
from typing import Any

from channels.consumer import AsyncConsumer
from channels.management.commands.runworker import Command as RunWorker
from channels.routing import ChannelNameRouter, ProtocolTypeRouter
from channels.worker import Worker as ChannelsWorker
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from tandem import conf
from tandem.chores import chores
from tandem.doctor.at_start import tell_at_start
from tandem.errors import RedisUnavailable
from tandem.layer import ChannelLayer
from tandem.memory import is_memory
from tandem.outbox import send_left_over
from tandem.outbox.liveness import serve_liveness
from tandem.outbox.pausing import paused_since
from tandem.outbox.worker import Worker
from tandem.pause import tell_paused
from tandem.poke import CHANNEL

_AGAIN_SECONDS = 1.0
_NO_REDIS = "a worker shares Redis with the rest: set TANDEM_REDIS_URLS (in development runtandem does its work)"


class Command(RunWorker):  # type: ignore[misc]  # channels has no types
    """What Channels' ``runworker`` does; for the channel ``tandem`` it brings application and layer along."""

    help = "Run a worker: 'tandem' sends what waits in the outbox, brings notifications to many, and sends email."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what Channels' own takes, ``--interval``, ``--once`` and ``--probe-port``."""
        super().add_arguments(parser)
        parser.add_argument("--once", action="store_true", help="tandem: do what is due, and exit; for a cron job")
        parser.add_argument("--interval", type=float, default=0.5, help="tandem: seconds between looks (default 0.5)")
        parser.add_argument("--probe-port", type=int, help="tandem: answer /healthz here, 503 once the worker hangs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until SIGTERM or SIGINT."""
        if CHANNEL not in options["channels"]:
            super().handle(*args, **options)
            return
        if options["channels"] != [CHANNEL]:
            raise CommandError(f"the channel {CHANNEL!r} has a worker to itself: start another for the rest")
        if options["once"]:
            self._work_once()
            return
        try:
            if any(map(is_memory, conf.redis_urls())):
                raise CommandError(_NO_REDIS)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        work = Worker(interval=options["interval"], chores=chores, hears_pokes=False)
        tell_at_start()
        if options["probe_port"] is not None:
            serve_liveness(options["probe_port"], work.is_alive)
        HearingWorker(work).run()

    def _work_once(self) -> None:
        for chore in chores:
            while chore():
                pass
        self.stdout.write(f"sent {send_left_over()}")
        if since := paused_since():
            self.stdout.write(tell_paused(since))


class HearingWorker(ChannelsWorker):  # type: ignore[misc]  # as above
    """A Channels worker whose consumer has *work* look at once; it looks by itself all the same."""

    def __init__(self, work: Worker) -> None:
        class Poked(AsyncConsumer):  # type: ignore[misc]  # as above
            async def work(self, message: dict[str, Any]) -> None:
                work.poke()

        application = ProtocolTypeRouter({"channel": ChannelNameRouter({CHANNEL: Poked.as_asgi()})})
        super().__init__(application=application, channels=[CHANNEL], channel_layer=ChannelLayer())
        self._work = work

    async def handle(self) -> None:
        """Hear and work, until told to stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._work.stop)
        hearing = asyncio.create_task(super().handle())
        try:
            await asyncio.to_thread(self._work.run)
        finally:
            hearing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await hearing

    async def listener(self, channel: str) -> None:
        """Hear *channel*, also after Redis was away: Channels' own worker would end."""
        while True:
            with contextlib.suppress(RedisUnavailable):
                await super().listener(channel)
            await asyncio.sleep(_AGAIN_SECONDS)
