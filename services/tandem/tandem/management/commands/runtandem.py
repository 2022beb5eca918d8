"""Development: the project's pages and its sockets in one process, where ``runserver`` gives pages alone."""

from __future__ import annotations

import os
import sys
import threading
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.runserver import Command as RunServer
from django.utils import autoreload

from tandem import conf
from tandem.chores import chores
from tandem.memory import is_memory
from tandem.outbox.worker import Worker

_SOCKETS = "tandem_realtime"
_MISSING = "runtandem needs the package that serves the sockets: pip install 'django-tandem[realtime]'"


class Command(RunServer):
    """What ``runserver`` does, and the sockets at ``/ws/`` of the same address."""

    addr: str
    port: str
    _raw_ipv6: bool

    help = "Serve the project's pages and its sockets in one process, for development. Needs no Redis."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what ``runserver`` takes, and ``--nostatic``."""
        super().add_arguments(parser)
        parser.add_argument(
            "--nostatic", action="store_false", dest="use_static_handler", help="do not serve static files"
        )

    def handle(self, *args: Any, **options: Any) -> str | None:
        """Refuse what cannot work before anything starts."""
        if find_spec(_SOCKETS) is None:
            raise CommandError(_MISSING)
        try:
            conf.redis_urls()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        return super().handle(*args, **options)

    def inner_run(self, *args: Any, **options: Any) -> None:
        """Serve; the autoreloader starts this anew when a file changes."""
        autoreload.raise_last_exception()
        if not options["skip_checks"]:
            self.check(display_num_errors=True)
        self.check_migrations()
        self.say_where()
        host = self.addr.strip("[]").replace(":", r"\:")
        worker = Worker(chores=chores)  # a shell or a task of the project leaves its rows to this process
        threading.Thread(target=worker.run, name="outbox", daemon=True).start()
        status = import_module(f"{_SOCKETS}.development").serve(
            self.pages(options),
            f"tcp:port={self.port}:interface={host}",
            log=self.stderr.write,
            has_signals=not options["use_reloader"],
        )
        worker.stop()
        if status:  # the log says why; in the reloader's thread sys.exit would end that thread alone
            os._exit(status) if options["use_reloader"] else sys.exit(status)

    def pages(self, options: dict[str, Any]) -> Any:
        """Return the ASGI application of the pages and, in development, of the static files."""
        application = get_asgi_application()
        if apps.is_installed("django.contrib.staticfiles") and options["use_static_handler"] and settings.DEBUG:
            from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

            return ASGIStaticFilesHandler(application)
        return application

    def say_where(self) -> None:
        """Say where everything is."""
        host = f"[{self.addr}]" if self._raw_ipv6 else self.addr
        urls = conf.redis_urls()
        redis = "none: all stays in this process" if any(is_memory(url) for url in urls) else f"{len(urls)} shard(s)"
        now = datetime.now().strftime("%B %d, %Y - %X")
        self.stdout.write(
            f"{now}\nDjango version {self.get_version()}, using settings {settings.SETTINGS_MODULE!r}\n"
            f"Pages at {self.protocol}://{host}:{self.port}/, sockets at ws://{host}:{self.port}/ws/, Redis: {redis}\n"
            "Quit the server with CONTROL-C."
        )
