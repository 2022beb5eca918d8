"""One machine, all its cores: systemd's unit and nginx's upstream, as the deployment page has them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from websockets.sync.client import connect

from demo.edge import write_edge_files
from rig.pair import Realtime
from rig.servers import SERVICES, RedisServer, Server, find_program, free_port

PAGE = (SERVICES / "tandem/docs/deployment.md").read_text()
INSTANCES = ("1", "2")
SOCKETS = 10


def block(language: str) -> str:
    """Return the page's block in *language*."""
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


class Unit(Realtime):
    """An instance of the template, on ports of its own, as systemd would start and restart it."""

    def __init__(self, redis_url: str, directory: Path) -> None:
        port, private = free_port(), free_port()
        lines = block("ini").replace("81%i0", str(port)).replace("81%i1", str(private)).splitlines()
        said = [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
        environ = {
            name: value
            for key, line in said
            if key == "Environment"
            for name, value in (each.split("=", 1) for each in shlex.split(line))
        }
        super().__init__(redis_url, directory, environ | {"TANDEM_DRAIN_SECONDS": "1"})
        commands = {key: shlex.split(line) for key, line in said if key.startswith("Exec")}
        self.port, self.command = port, [sys.executable, *commands["ExecStart"][1:]]
        self._after_start = [find_program("curl"), *commands["ExecStartPost"][1:]]

    def restart(self) -> None:
        """Stop, start, and return when systemd would."""
        assert self.stop() == 0
        self.process = subprocess.Popen(self.command, env=self.env, cwd=self.cwd)  # it does not wait for a port
        subprocess.run(self._after_start, check=True, timeout=60)


class Machine(NamedTuple):
    """The address of the edge, and what stands behind."""

    url: str
    units: list[Unit]


@pytest.fixture
def machine(redis_server: RedisServer, tmp_path: Path) -> Iterator[Machine]:
    """Two processes of sockets behind nginx."""
    with ExitStack() as running:
        units = [running.enter_context(Unit(redis_server.url, tmp_path)) for _ in INSTANCES]
        upstream = block("nginx")
        for instance, unit in zip(INSTANCES, units, strict=True):
            upstream = upstream.replace(f":81{instance}0 ", f":{unit.port} ")
        port = free_port()
        write_edge_files(tmp_path, listen=f"127.0.0.1:{port}", api=f"127.0.0.1:{free_port()}", realtime="")
        edge = tmp_path / "nginx.conf"
        edge.write_text(re.sub(r"upstream realtime \{.*?\}\n", lambda _: upstream, edge.read_text(), flags=re.DOTALL))
        command = [find_program("nginx"), "-p", str(tmp_path), "-c", "nginx.conf", "-g", "daemon off;"]
        running.enter_context(Server(command, port, log=tmp_path / "edge.log"))
        yield Machine(f"ws://127.0.0.1:{port}/ws/", units)


def test_connections_are_shared_out(machine: Machine) -> None:
    """Whichever of nginx's processes takes them."""
    with ExitStack() as open_ones:
        for _ in range(SOCKETS):
            open_ones.enter_context(connect(machine.url))
        shares = [unit.metric('tandem_connections{endpoint="/ws/",transport="websocket"}') for unit in machine.units]

    assert shares == [SOCKETS / 2, SOCKETS / 2]


def test_restarts_one_after_the_other_refuse_nobody(machine: Machine) -> None:
    """A process that is not ready yet is not counted on: the next one ends when it is."""

    def restart_all() -> None:
        for unit in machine.units:
            unit.restart()

    with ThreadPoolExecutor(1) as deploying:
        deploy = deploying.submit(restart_all)
        while not deploy.done():
            with connect(machine.url) as socket:  # raises where both are away
                socket.send('{"id":1,"connect":{}}')
                assert '"client"' in str(socket.recv())
            time.sleep(0.02)
        deploy.result()
