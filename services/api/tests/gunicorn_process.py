"""The api under gunicorn, as it runs in production: hashed static files, required settings, several workers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx

from rig.servers import Server, free_port


class Gunicorn(Server):
    """Migrates its database, then serves."""

    def __init__(
        self, directory: Path, *, database_url: str, redis_url: str, environ: Mapping[str, str] | None = None
    ) -> None:
        port, self.metrics_port = free_port(), free_port()
        env = {
            "TANDEM_DEBUG": "0",
            "DJANGO_SETTINGS_MODULE": "api.settings",
            "DJANGO_SECRET_KEY": "of-the-tests-" + "0" * 50,
            "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
            "DATABASE_URL": database_url,
            "TANDEM_REDIS_URLS": redis_url,
            "TANDEM_TOKEN_KEYS": "of-the-tests-" + "0" * 50,
            "TANDEM_API_KEYS": "old-key,new-key",
            "TANDEM_WEB_HOST": "127.0.0.1",
            "TANDEM_WEB_PORT": str(port),
            "TANDEM_METRICS_PORT": str(self.metrics_port),
            "WEB_CONCURRENCY": "2",
            **(environ or {}),
        }
        command = [sys.executable, "-m", "gunicorn", "-c", "python:tandem.gunicorn", "api.wsgi"]
        super().__init__(command, port, env=env, log=directory / "gunicorn.log")

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def manage(self, *arguments: str) -> None:
        """Run a management command with this server's environment."""
        command = [sys.executable, "-m", "api", *arguments]
        subprocess.run(command, env=self.env, cwd=self.cwd, check=True, capture_output=True)

    def start(self) -> Self:
        """Migrate, collect the static files, start, and wait until a worker answers: the arbiter listens before it."""
        self.manage("migrate")
        self.manage("collectstatic", "--noinput")
        super().start()
        httpx.get(f"{self.url}/healthz", timeout=60).raise_for_status()
        return self
