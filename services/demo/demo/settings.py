"""Where the demo listens and keeps its state, and what its programs get. The environment is read here."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from demo.problem import Problem

ROOT = Path(__file__).resolve().parents[3]
SERVICES = ROOT / "services"
PROGRAMS = ("edge", "api", "api metrics", "realtime", "realtime metrics", "redis")
LONGEST_SOCKET_PATH = 100  # sun_path has 108 bytes; supervisord adds a suffix while it binds


@dataclass(frozen=True)
class Settings:
    """The demo's choices. Every port follows from the first, so that one variable moves them all."""

    host: str
    port: int
    state: Path
    wants_edge: bool
    environ: Mapping[str, str]

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read DEMO_HOST, DEMO_PORT, DEMO_DIR and DEMO_EDGE, or raise `Problem` naming the one that is wrong."""
        text = environ.get("DEMO_PORT") or "9000"
        last = 65535 - len(PROGRAMS)
        if not text.isdecimal() or not 1 <= int(text) <= last:
            raise Problem(f"DEMO_PORT must be a number from 1 to {last}, not {text!r}.")
        state = Path(environ.get("DEMO_DIR") or ROOT / ".demo").resolve()
        wants_edge = environ.get("DEMO_EDGE") != "0"
        return cls(environ.get("DEMO_HOST") or "127.0.0.1", int(text), state, wants_edge, environ)

    @property
    def ports(self) -> dict[str, int]:
        """The port of each program: the edge's, and the next ones."""
        return {name: self.port + step for step, name in enumerate(PROGRAMS)}

    @property
    def url(self) -> str:
        """The address for a browser on this machine."""
        host = "localhost" if self.probe_host in ("127.0.0.1", "::1") else self.host
        return f"http://{host}:{self.port}"

    @property
    def probe_host(self) -> str:
        """Where the edge answers, seen from this machine."""
        return {"localhost": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)

    @property
    def listen_address(self) -> str:
        """Host and port of the edge, as nginx wants them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def control_socket(self) -> Path:
        """Where supervisorctl finds supervisord; elsewhere when the path is too long for a socket."""
        path = self.state / "supervisor.sock"
        if len(str(path)) <= LONGEST_SOCKET_PATH:
            return path
        return Path(tempfile.gettempdir()) / f"tandem-demo-{os.getuid()}-{self.port}.sock"

    @cached_property
    def secrets(self) -> dict[str, str]:
        """The keys of this demo, made once and kept in a file that only its owner can read."""
        path = self.state / "secrets.json"
        if not path.exists():
            names = ("DJANGO_SECRET_KEY", "TANDEM_TOKEN_KEYS", "TANDEM_API_KEYS", "DJANGO_SUPERUSER_PASSWORD")
            made = {name: secrets.token_urlsafe(12 if name.endswith("PASSWORD") else 48) for name in names}
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(made, file, indent=2)
        return dict(json.loads(path.read_text()))

    def programs_environ(self, *, has_edge: bool) -> dict[str, str]:
        """Return the environment of every program: as in production, with hosts and cookies for plain HTTP here."""
        ports = self.ports
        is_local = self.host in ("127.0.0.1", "localhost", "::1")
        ours = {
            "PYTHONUNBUFFERED": "1",
            "DJANGO_ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]" if is_local else "*",
            "DJANGO_SECURE_COOKIES": "0",
            "TANDEM_DEBUG": "0",
            "TANDEM_REDIS_URLS": f"redis://127.0.0.1:{ports['redis']}/0",
            "TANDEM_WEB_HOST": "127.0.0.1",
            "TANDEM_WEB_PORT": str(ports["api"]),
            "TANDEM_METRICS_PORT": str(ports["api metrics"]),
            "TANDEM_BIND_HOST": "127.0.0.1" if has_edge else self.host,
            "TANDEM_BIND_PORT": str(ports["realtime"] if has_edge else ports["edge"]),
            "TANDEM_PRIVATE_PORT": str(ports["realtime metrics"]),
            "TANDEM_DRAIN_SECONDS": "1",
            **({"TANDEM_TRUSTED_PROXIES": "127.0.0.1"} if has_edge else {}),
            **({} if has_edge else {"TANDEM_HTTP_APP": "api.asgi:application"}),
            "DEMO_STATE": str(self.state),
            "DEMO_SOCKET": str(self.control_socket),
            "DEMO_REDIS_PORT": str(ports["redis"]),
        }
        given = {name: value for name, value in self.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        given.setdefault("DATABASE_URL", f"sqlite:///{self.state / 'tandem.sqlite3'}")
        return {**given, **self.secrets, **ours}
