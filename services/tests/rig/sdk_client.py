"""The official SDKs, unchanged, each in a process of its own, driven by lines of JSON: ``services/tests/sdk``."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rig.packages import package_of
from rig.servers import SERVICES, MissingServer, find_program

FOLDER = SERVICES / "tests" / "sdk"
SECONDS = 15.0


class Failure(Exception):
    """A call of the SDK's that failed, and the protocol's code for it."""

    def __init__(self, event: dict[str, Any]) -> None:
        super().__init__(f"{event['method']}: {event['code']} {event['message']}")
        self.code = event["code"]


class SdkClient:
    """One Centrifuge client. Its events wait in the order in which the SDK reported them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.passed_over: list[dict[str, Any]] = []

    async def do(self, action: str, **context: Any) -> None:
        """Tell the client to do something: connect, subscribe, unsubscribe, disconnect, reconnect, call."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"action": action, **context}).encode() + b"\n")
        await self.process.stdin.drain()

    async def event(self, *names: str) -> dict[str, Any]:
        """Return the next event of one of these names, passing over others. Raises `TimeoutError`."""
        try:
            async with asyncio.timeout(SECONDS):
                while (event := await self._next())["event"] not in names:
                    self.passed_over.append(event)
        except TimeoutError as error:
            raise TimeoutError(f"no {' or '.join(names)} in {self.passed_over[-9:]}") from error
        return event

    async def publications(self, count: int) -> list[dict[str, Any]]:
        """Return the next *count* publications."""
        return [await self.event("publication") for _ in range(count)]

    async def call(self, method: str, *args: Any, channel: str = "") -> Any:
        """
        Call a method of the client, or of the subscription to *channel*, and return what it resolves to.

        Raises `Failure`.
        """
        await self.do("call", method=method, args=args, **({"channel": channel} if channel else {}))
        event = await self.event("failure", "result")
        if event["event"] == "failure":
            raise Failure(event)
        return event["result"]

    async def _next(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        if not line:
            raise EOFError("the SDK's process ended; its errors are above")
        return dict(json.loads(line))


class Sdk(NamedTuple):
    """A version of an SDK in one of the dialects that it speaks."""

    language: str
    dialect: str
    version: str = ""
    knows: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return "-".join(filter(None, (self.language, self.version, self.dialect)))

    def command(self, endpoint: str) -> list[str]:
        """Return the command that runs it. Raises `MissingServer` where what it needs has not been built."""
        match self.language:
            case "js":
                package = f"centrifuge-{self.version}" if self.version else "centrifuge"
                return [*_node(package), "websocket", endpoint, "", self.dialect, package]
            case "python":
                return [sys.executable, str(FOLDER / "python/client.py"), endpoint, self.dialect]
            case "go":
                return [str(_built("go/sdk", "go")), endpoint, self.dialect]
            case "java":
                classes = _built("java/target/classes/Sdk.class", "mvn").parent
                options = ["-XX:TieredStopAtLevel=1", "-cp", f"{classes}:{classes.parent}/lib/*"]
                return [find_program("java"), *options, "Sdk", endpoint]
        raise ValueError(self.language)

    def environment(self) -> dict[str, str]:
        """Return the environment of its process."""
        if self.language == "python" and self.version:
            return {**os.environ, "PYTHONPATH": str(_built(f"python/{self.version}", "pip"))}  # before our own
        return dict(os.environ)


_NEW = frozenset({"delta", "states"})
SDKS = (
    Sdk("js", "json", knows=_NEW),
    Sdk("js", "protobuf", knows=_NEW),
    Sdk("js", "json", "2024"),
    Sdk("js", "protobuf", "2024"),
    Sdk("python", "json", knows=_NEW),
    Sdk("python", "protobuf", knows=_NEW),
    Sdk("python", "json", "0.6", knows=_NEW),
    Sdk("python", "protobuf", "0.6", knows=_NEW),
    Sdk("python", "json", "0.4"),
    Sdk("python", "protobuf", "0.4"),
    Sdk("go", "json", knows=_NEW),
    Sdk("go", "protobuf", knows=_NEW),
    Sdk("java", "protobuf"),
)
"""Every SDK that can run here: the newest, and those of two years ago. Java's speaks Protobuf only."""
NEWEST = tuple(sdk for sdk in SDKS if not sdk.version)


def _node(package: str) -> list[str]:
    if not (FOLDER / "node_modules" / package).is_dir():
        raise MissingServer(package_of("npm"))
    return [find_program("node"), str(FOLDER / "client.mjs")]


def _built(name: str, program: str) -> Path:
    """Return what .ci/sdks makes where there is *program*."""
    path = FOLDER / name
    if not path.exists():
        raise MissingServer(package_of(program))
    return path


@contextlib.asynccontextmanager
async def _running(command: Sequence[str], environment: dict[str, str]) -> AsyncIterator[SdkClient]:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment, limit=2**24
    )
    try:
        client = SdkClient(process)
        await client.event("ready")
        yield client
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def sdk_client(sdk: Sdk, endpoint: str) -> AsyncIterator[SdkClient]:
    """Start a client of *sdk* that is not connected yet."""
    async with _running(sdk.command(endpoint), sdk.environment()) as client:
        yield client


@contextlib.asynccontextmanager
async def js_client(
    transport: str, endpoint: str, emulation_endpoint: str = "", *, dialect: str = "json"
) -> AsyncIterator[SdkClient]:
    """Start a client of the JavaScript SDK over any of its transports; it is not connected yet."""
    command = [*_node("centrifuge"), transport, endpoint, emulation_endpoint, dialect]
    async with _running(command, dict(os.environ)) as client:
        yield client
