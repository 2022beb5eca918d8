"""Bring compose.yaml up with podman-compose: its images, network, volume and published port; nothing is left after."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Self

import yaml

from rig.servers import MissingServer, wait_until
from tools.podman import CERTIFICATES, SERVICES, SETTINGS, Podman

COMPOSE = SERVICES / "compose.yaml"
STAND_INS = Path(__file__).parent.parent / "tests" / "compose"
SECONDS = 120.0  # for one service to be what the next one waits for
DOWN_SECONDS = 240.0  # each has its grace period


def read_services() -> dict[str, Any]:
    """Return the services as compose.yaml has them."""
    services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return services


def dependencies(service: dict[str, Any]) -> dict[str, str]:
    """Return what a service waits for: the other's name, and what has to be true of it."""
    wanted = service.get("depends_on", {})
    if isinstance(wanted, list):
        return dict.fromkeys(wanted, "service_started")
    return {name: each["condition"] for name, each in wanted.items()}


def find_networks() -> None:
    """Raise `MissingServer` where podman has no networks with names; Debian keeps their programs off PATH."""
    for program in ("netavark", "aardvark-dns"):
        if not any(Path("/usr").glob(f"lib*/podman/{program}")):
            raise MissingServer(program)


class Compose:
    """
    The services of compose.yaml as one project at `port`. Use as a context manager.

    Older podmans know nothing of a dependency's health, and without systemd none asks for it: so it is here that a
    service waits for what compose.yaml says, and the question is that of its ``healthcheck``.
    """

    def __init__(self, podman: Podman, folder: Path, port: int) -> None:
        find_networks()
        self.podman = podman
        self.port = port
        self.project = f"compose-test-{port}"
        self.services = read_services()
        self._override = folder / "override.yaml"
        settings = folder / "containers.conf"
        networks = f'[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "{folder / "networks"}"\n'
        settings.write_text(SETTINGS + networks)
        self._environ = {**podman.env, "CONTAINERS_CONF": str(settings), "DEMO_PORT": str(port)}

    def __enter__(self) -> Self:
        """Build, then start each service when what it waits for is so."""
        self._override.write_text(yaml.safe_dump({"services": self._images()}))
        builders = {str(each["build"]): name for name, each in self.services.items() if "build" in each}
        mount = f"--volume={CERTIFICATES}:{CERTIFICATES}:ro"
        self.compose(f"--podman-build-args=--layers --format=docker {mount}", "build", *builders.values(), seconds=900)
        waits = {name: dependencies(service) for name, service in self.services.items()}
        try:
            for name in TopologicalSorter(waits).static_order():
                for other, condition in waits[name].items():
                    self._wait_for(other, condition)
                self.start(name)
            for name, service in self.services.items():
                if "healthcheck" in service:
                    self._wait_for(name, "service_healthy")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Say what they logged where nothing else will, and take everything down."""
        if sys.exc_info()[0]:
            print("\n".join(self.logs(name) for name in self.services))
        self.compose("down", "--volumes", seconds=DOWN_SECONDS)

    def start(self, service: str) -> None:
        """Create and start one service, alone."""
        self.compose("up", "--detach", "--no-build", "--no-deps", service, seconds=SECONDS)

    def move(self, service: str) -> tuple[str, str]:
        """Put a new container in place of a service's; return the address that it had and the one that it has."""
        before = self.address(service)
        self.run(
            "podman", "rm", "--force", "--time=45", self._container(service)
        )  # podman-compose would remove the edge too
        self.start(service)
        return before, self.address(service)

    def address(self, service: str) -> str:
        """Return the address of a service's container in the project's network."""
        networks = self.inspect(service)["NetworkSettings"]["Networks"]
        return str(networks[f"{self.project}_default"]["IPAddress"])

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what podman knows of a service's container."""
        found: list[dict[str, Any]] = json.loads(self.run("podman", "inspect", self._container(service)))
        return found[0]

    def logs(self, service: str) -> str:
        """Return the end of what a service printed."""
        with suppress(RuntimeError):
            return f"--- {service}\n{self.run('podman', 'logs', '--tail=40', self._container(service), errors=True)}"
        return f"--- {service}: no container"

    def left_over(self) -> list[str]:
        """Return the names of what this project still has: containers, networks, volumes."""
        mine = f"--filter=label=io.podman.compose.project={self.project}"
        containers = self.run("podman", "ps", "--all", "--quiet", mine)
        networks = self.run("podman", "network", "ls", "--quiet", mine)
        return f"{containers} {networks} {self.run('podman', 'volume', 'ls', '--quiet', mine)}".split()

    def compose(self, *command: str, seconds: float) -> str:
        """Run a command of podman-compose over both files."""
        files = ["--file", str(COMPOSE), "--file", str(self._override)]
        program = [sys.executable, "-m", "podman_compose", "--project-name", self.project, *files]
        return self.run(*program, *command, seconds=seconds)

    def run(self, *command: str, seconds: float = 60, errors: bool = False) -> str:
        """Return what a command prints, *errors* too if wanted; raises `RuntimeError` with its last words."""
        done = subprocess.run(command, env=self._environ, capture_output=True, text=True, timeout=seconds)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)[-200:]}: exit status {done.returncode}\n{done.stderr[-3000:]}")
        return (done.stdout + done.stderr * errors).strip()

    def _images(self) -> dict[str, Any]:
        """
        Return what replaces compose.yaml's images.

        With TANDEM_BASE_IMAGE there is a registry, and others' images come from it; else Debian's packages stand in.
        """
        base = self.podman.base_image()
        ours = {
            name: {"build": {"args": {"BASE_IMAGE": base}}} for name, each in self.services.items() if "build" in each
        }
        if "TANDEM_BASE_IMAGE" in os.environ:
            return ours
        stand_in = self.podman.build_from(STAND_INS, "Dockerfile", "localhost/tandem-stores:test")
        return ours | {name: {"image": stand_in} for name in self.services if name not in ours}

    def _wait_for(self, service: str, condition: str) -> None:
        container = self._container(service)
        if condition == "service_completed_successfully":
            status = self.run("podman", "wait", container, seconds=SECONDS)
            if status != "0":
                raise RuntimeError(f"{service} ended with {status}\n{self.logs(service)}")
        elif condition == "service_healthy":
            wait_until(lambda: self._is_healthy(container), seconds=SECONDS, what=f"{service} healthy")

    def _is_healthy(self, container: str) -> bool:
        with suppress(RuntimeError):
            self.run("podman", "healthcheck", "run", container)
            return True
        return False

    def _container(self, service: str) -> str:
        return f"{self.project}_{service}_1"
