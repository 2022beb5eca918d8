"""
How gunicorn runs a Django project: ``gunicorn -c python:tandem.gunicorn mysite.wsgi`` in any folder.

The first process (the arbiter) also serves ``/metrics`` of all gunicorn workers together, on a port of its own. It does
not load the project, so it reads the environment alone: TANDEM_WEB_HOST, TANDEM_WEB_PORT, TANDEM_METRICS_PORT (0: no
metrics) and gunicorn's own WEB_CONCURRENCY. What stands on gunicorn's command line wins over all of this. A project
with a configuration of its own imports the hooks: ``from tandem.gunicorn import *``, then what it wants otherwise.
"""

from __future__ import annotations

import logging
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# Before anything imports prometheus_client: it decides at import whether there are several processes.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = os.environ.get("PROMETHEUS_MULTIPROC_DIR") or tempfile.mkdtemp(
    prefix="tandem-metrics-"
)
os.environ["PROMETHEUS_DISABLE_CREATED_SERIES"] = "True"

from django.core.exceptions import ImproperlyConfigured  # after the lines above, which imports may depend on
from gunicorn.glogging import Logger

from tandem import conf
from tandem.doctor.at_start import tell_at_start
from tandem.logs import gunicorn_config

READ_BY_THE_ARBITER = ("web_host", "web_port", "metrics_port")


class UnreadAccessLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's logger, which does not make access lines that nobody writes: they cost a twentieth of a request."""

    def access(self, *about: Any) -> None:
        """Log a request, if somebody has turned the access log on."""
        if self.access_log.isEnabledFor(logging.INFO):
            super().access(*about)


_given = conf.read({}, os.environ)

_host = _given.web_host.strip("[]")
bind = [f"[{_host}]:{_given.web_port}" if ":" in _host else f"{_host}:{_given.web_port}"]
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
threads = 8  # of each worker, and so the most database connections that it can use
timeout = 30
graceful_timeout = 30
keepalive = 75  # longer than an edge keeps an idle connection, so that it is the edge who closes
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # a heartbeat on a disk can stall
control_socket_disable = True  # it wants a writable home; the root file system may be read-only
logconfig_dict = gunicorn_config()
logger_class = UnreadAccessLogger
accesslog = None  # the request log has a line for each request, with its id


def on_starting(server: Any) -> None:
    """Say it when there will be no metrics for want of a package."""
    if _given.metrics_port and not find_spec("prometheus_client"):
        server.log.warning("no metrics: install django-tandem[metrics], or set TANDEM_METRICS_PORT=0")


def when_ready(server: Any) -> None:
    """Wipe what an earlier run counted, and open the metrics port before the first worker starts."""
    if not _has_metrics():
        return
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.multiprocess import MultiProcessCollector

    for left_over in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("*.db"):
        left_over.unlink()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    server.metrics, _ = start_http_server(_given.metrics_port, _host, registry)


def post_fork(server: Any, worker: Any) -> None:
    """Give up the worker's copy of the metrics port."""
    if _has_metrics():
        server.metrics.socket.close()


def post_worker_init(worker: Any) -> None:
    """
    Start to sample what has to be looked at to be known.

    Ends gunicorn, by name, when Redis is nowhere or the project wants what the arbiter could not know.
    """
    conf.redis_urls()
    refuse_what_the_arbiter_missed(conf.settings(), _given)
    if worker.age == 1:  # the first of them speaks for all
        tell_at_start()
    if _has_metrics():
        from tandem.metrics.sampling import start_sampling

        start_sampling()


def child_exit(server: Any, worker: Any) -> None:
    """Take a dead worker's gauges out of the sums."""
    if not _has_metrics():
        return
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def refuse_what_the_arbiter_missed(project: conf.Settings, arbiter: conf.Settings) -> None:
    """Raise `ImproperlyConfigured` for a key that only the project's settings have, and that came too late."""
    for name in READ_BY_THE_ARBITER:
        wanted, used = getattr(project, name), getattr(arbiter, name)
        if wanted != used:
            raise ImproperlyConfigured(
                f"TANDEM[{name!r}] is {wanted!r}, but gunicorn's first process reads the environment alone and took "
                f"{used!r}: set {conf.PREFIX}{name.upper()}={wanted}"
            )


def _has_metrics() -> bool:
    return bool(_given.metrics_port) and find_spec("prometheus_client") is not None
