"""
How gunicorn runs the api: ``gunicorn -c python:api.gunicorn_conf`` in any folder.

The first process (the arbiter) also serves ``/metrics`` of all gunicorn workers together, on a port of its own.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

# Before anything imports prometheus_client: it decides at import whether there are several processes.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = os.environ.get("PROMETHEUS_MULTIPROC_DIR") or tempfile.mkdtemp(
    prefix="tandem-api-metrics-"
)
os.environ["PROMETHEUS_DISABLE_CREATED_SERIES"] = "True"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "api.settings")

from api import settings  # after the lines above, which its imports depend on
from tandem import conf

wsgi_app = "api.wsgi:application"
bind = [f"{settings.API_HOST}:{settings.API_PORT}"]
worker_class = "gthread"
workers = settings.WEB_CONCURRENCY
threads = settings.THREADS
timeout = 30
graceful_timeout = 30
keepalive = 75  # longer than an edge keeps an idle connection, so that it is the edge who closes
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # a heartbeat on a disk can stall
control_socket_disable = True  # it wants a writable home; the root file system may be read-only
logconfig_dict = settings.LOGGING
accesslog = None  # the request log has a line for each request, with its id


def on_starting(server: Any) -> None:
    """End here, by name, when what the pages need is not set."""
    conf.redis_urls()


def when_ready(server: Any) -> None:
    """Wipe what an earlier run counted, and open the metrics port before the first worker starts."""
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.multiprocess import MultiProcessCollector

    for left_over in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("*.db"):
        left_over.unlink()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    server.metrics, _ = start_http_server(settings.API_METRICS_PORT, settings.API_HOST, registry)


def post_fork(server: Any, worker: Any) -> None:
    """Give up the worker's copy of the metrics port."""
    server.metrics.socket.close()


def post_worker_init(worker: Any) -> None:
    """Start to sample what has to be looked at to be known."""
    from api.sampling import start_sampling

    start_sampling()


def child_exit(server: Any, worker: Any) -> None:
    """Take a dead worker's gauges out of the sums."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)
