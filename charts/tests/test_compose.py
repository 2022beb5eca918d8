"""compose.yaml: what it names is there; and (slow) it runs, over a network of containers and its published port."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from tools.compose import COMPOSE, Compose, dependencies, read_services
from tools.podman import Podman

from rig.servers import free_port, wait_until
from rig.stack import COUNTER
from rig.wire import open_wire

SERVICES = read_services()
FOLDER = COMPOSE.parent
BUILT = {name: service for name, service in SERVICES.items() if "build" in service}
SECONDS = 15  # the edge asks for a name again after 2


def test_every_image_is_built_of_what_is_there() -> None:
    """Each Dockerfile exists, and everything that it copies from its context; so does what is mounted."""
    for service in BUILT.values():
        context = FOLDER / service["build"]["context"]
        recipe = (context / service["build"]["dockerfile"]).read_text()
        copied = re.findall(r"^COPY (?!--from)(\S+) ", recipe, re.MULTILINE)

        assert copied
        assert [path for path in copied if not (context / path).exists()] == []
    mounts = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert [
        path for path in (mount.split(":")[0] for mount in mounts) if "/" in path and not (FOLDER / path).exists()
    ] == []


def test_the_edge_asks_for_the_ports_that_are_open() -> None:
    """What the edge calls are services of this file, at the ports that their images say."""
    for address in (SERVICES["edge"]["environment"][key] for key in ("API_ADDRESS", "REALTIME_ADDRESS")):
        name, port = address.split(":")
        recipe = (FOLDER / BUILT[name]["build"]["dockerfile"]).read_text()

        assert re.search(rf"^EXPOSE.* {port}\b", recipe, re.MULTILINE), address


def test_who_waits_for_health_can_ask_for_it() -> None:
    """A service that has to be healthy says how one knows."""
    waited_for = [
        other
        for service in SERVICES.values()
        for other, condition in dependencies(service).items()
        if condition == "service_healthy"
    ]

    assert waited_for
    assert [name for name in waited_for if "healthcheck" not in SERVICES[name]] == []


@pytest.fixture(scope="module")
def running(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    """Everything up; and, when the tests are through, nothing left of it."""
    with Compose(podman, tmp_path_factory.mktemp("compose"), free_port()) as compose:
        yield compose
    assert compose.left_over() == []


async def press_and_see(compose: Compose) -> None:
    """Press +1 on the page of buttons as a browser without JavaScript does, and be pushed what it made."""
    async with (
        open_wire(f"ws://127.0.0.1:{compose.port}/ws/") as wire,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{compose.port}", timeout=30) as browser,
    ):
        await wire.subscribe(COUNTER)
        page = (await browser.get("/increment/")).raise_for_status().text
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]
        pressed = await browser.post("/increment/", data={"by": "1", "csrfmiddlewaretoken": token})
        assert pressed.status_code == 302, pressed.text
        [publication] = await wire.publications(1)
        shown = (await browser.get("/counter/")).raise_for_status().text

    assert re.search(rf"\b{publication['data']['value']}\b", shown)


def answers(compose: Compose) -> list[int]:
    """Return what the api and realtime say through the edge; realtime answers 404 to who asks without a handshake."""
    url = f"http://127.0.0.1:{compose.port}"
    return [httpx.get(url + path, timeout=10).status_code for path in ("/counter/", "/ws/")]


@pytest.mark.slow
async def test_a_press_reaches_a_subscriber(running: Compose) -> None:
    """Migrated, served, published by the outbox and pushed: over the published port, through the edge."""
    await press_and_see(running)


@pytest.mark.slow
@pytest.mark.parametrize("service", ["api", "realtime"])
async def test_edge_follows_a_container_that_moved(running: Compose, service: str) -> None:
    """A new container has another address; the edge, which is not started again, is there within seconds."""
    edge = running.inspect("edge")["State"]["Pid"]
    before, after = running.move(service)
    wait_until(lambda: answers(running) == [200, 404], seconds=SECONDS, what=f"the edge at {service}'s new address")
    await press_and_see(running)

    assert before != after
    assert running.inspect("edge")["State"]["Pid"] == edge
