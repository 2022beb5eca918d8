"""
``python -m rig.suites [go] [python]``: the SDKs' own test suites, as they come with each SDK, against Tandem.

They expect a server at port 8000; Go's one that lets everybody do everything (TANDEM["insecure"]). Those of their tests
that bring a server of their own are run too.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from django.urls import path

from rig.pair import Realtime
from rig.sdk_client import FOLDER
from rig.servers import RedisServer, find_program

PORT = 8000
_STREAM = {"history_size": 100, "history_ttl": 300, "recovery": True, "delta": True}
_MAY = {"publish": "subscribers", "read_history": "subscribers", "read_presence": "subscribers"}
_ENVIRONS: dict[str, dict[str, object]] = {
    "go": {
        "insecure": 1,
        "namespaces": {"": _STREAM, "smallhistory": {**_STREAM, "history_size": 2}},
    },
    "python": {
        "token_keys": "secret",
        "namespaces": {
            "": {**_STREAM, **_MAY, "presence": True, "join_leave": True, "personal": True},
            "smallhistory": {**_STREAM, **_MAY, "presence": True, "history_size": 2},
            "notifications": None,
        },
    },
}
"""What each suite's own docker-compose.yml asks of its server."""


def urlpatterns() -> list[object]:
    """Return the address that the suites have in them."""
    from tandem_realtime.consumers.websocket import WebSocketConsumer

    return [path("connection/websocket", WebSocketConsumer.as_asgi())]


def go(folder: Path) -> list[str]:
    """Return the command that runs centrifuge-go's, but for one test: it publishes what is not JSON."""
    find_program("go")
    module = json.loads(
        subprocess.check_output(
            ["go", "list", "-m", "-json", "github.com/centrifugal/centrifuge-go"], cwd=FOLDER / "go", text=True
        )
    )
    source = folder / "centrifuge-go"
    shutil.copytree(module["Dir"], source)
    for each in (source, *source.iterdir()):
        each.chmod(0o755 if each.is_dir() else 0o644)
    return ["sh", "-c", f"cd {source} && go test -count 1 -timeout 300s -skip ^TestPublishProtobuf$ ./..."]


def python(folder: Path) -> list[str]:
    """Return the command that runs centrifuge-python's, which come with its source."""
    pinned = re.search(r"^(centrifuge-python==\S+)", _requirements(), re.MULTILINE)
    assert pinned is not None
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary",
        ":all:",
        "--dest",
        str(folder),
    ]
    subprocess.run([*pip, "--no-build-isolation", pinned[1]], check=True)
    [archive] = folder.glob("centrifuge_python-*.tar.gz")
    with tarfile.open(archive) as source:
        source.extractall(folder, filter="data")
    [tests] = folder.glob("centrifuge_python-*/tests")
    return ["sh", "-c", f"cd {tests.parent} && {sys.executable} -m unittest discover -v -s tests -t ."]


SUITES: dict[str, Callable[[Path], list[str]]] = {"go": go, "python": python}


def main(names: Sequence[str]) -> int:
    """Run the suites of these *names*, all if there are none; return how many failed."""
    failed = 0
    with tempfile.TemporaryDirectory() as name, RedisServer(Path(name)) as redis:
        for suite in names or SUITES:
            folder = Path(name) / suite
            folder.mkdir()
            command = SUITES[suite](folder)
            server = Realtime(redis.url, folder, _environ(suite))
            server.port = PORT
            with server:
                print(f"== {suite}", flush=True)
                status = subprocess.run(command, env={**os.environ, "no_proxy": "*"}).returncode
            failed += status != 0
            print(f"== {suite}: {'green' if status == 0 else 'not green'}", flush=True)
    return failed


def _environ(suite: str) -> dict[str, str]:
    asked = {"bind_port": PORT, "urlpatterns": "rig.suites.served", "commands_per_second": 0, **_ENVIRONS[suite]}
    return {
        f"TANDEM_{name.upper()}": json.dumps(value) if isinstance(value, dict) else str(value)
        for name, value in asked.items()
    }


def _requirements() -> str:
    return (FOLDER.parent / "requirements.txt").read_text()


def __getattr__(name: str) -> list[object]:
    """Make the routes when the service asks for them: Channels must not be imported before Django is set up."""
    if name == "served":
        return urlpatterns()
    raise AttributeError(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
