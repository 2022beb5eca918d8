"""What to do: the command line, each option with a default from the environment (LOADGEN_<OPTION>)."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .target import DIALECTS, Target

SCENARIOS = {
    "fanout": "every client on one channel",
    "channels": "one client on each channel, publications to each channel in turn",
    "storm": "every client at once; with --missed they come back from a position",
    "idle": "connect, stay, answer pings",
    "verify": "cut clients at random while publications flow, then add up what each got",
}


@dataclass(frozen=True)
class Options:
    """One run of the generator."""

    scenario: str = "fanout"
    url: str = "ws://127.0.0.1:8100/ws/"
    token: str = ""
    origin: str = ""
    dialect: str = "json"
    channel: str = "public:loadgen"
    clients: int = 100
    channels: int = 1
    rate: float = 10.0
    duration: float = 10.0
    size: int = 128
    publisher: str = "redis"
    api_url: str = ""
    api_key: str = field(default="", repr=False)
    wave: int = 200
    missed: int = 0
    cut_every: float = 0.0
    away: float = 2.0
    seed: int = 1
    shards: int = 1
    shard: int = 0
    settle: float = 0.0
    clock: str = "auto"
    json: bool = False

    @property
    def target(self) -> Target:
        """Return the server under load."""
        return Target(self.url, self.token, self.origin, self.dialect)

    @property
    def wall_clock(self) -> bool:
        """Tell whether stamps are wall-clock times: right on several hosts, as far as their clocks agree."""
        return self.clock == "wall" or (self.clock == "auto" and self.shards > 1)

    @property
    def channel_names(self) -> list[str]:
        """Return the channels of the run; one for each client in the scenario `channels`."""
        count = self.clients if self.scenario == "channels" else self.channels
        return [self.channel] if count == 1 else [f"{self.channel}.{index}" for index in range(count)]

    @property
    def publications(self) -> int:
        """Return how many publications the run sends."""
        return max(1, round(self.rate * self.duration))


_HELP = {
    "url": "WebSocket address; with {channel} in it, opening is subscribing",
    "token": "connection token",
    "origin": "Origin header",
    "dialect": "what the clients speak: json, protobuf, or mixed (every other one)",
    "channel": "channel, or the beginning of the channels' names",
    "clients": "subscribers, over all shards",
    "channels": "channels that the clients spread over (fanout, storm, idle, verify)",
    "rate": "publications a second",
    "duration": "seconds",
    "size": "bytes of a publication's data",
    "publisher": "redis (tandem.publish; TANDEM_* variables say where), api, client, or none",
    "api_url": "server API, for example http://127.0.0.1:8000/server",
    "api_key": "key of the server API",
    "wave": "handshakes under way at once (storm: all)",
    "missed": "storm: publications that every client misses before it comes back",
    "cut_every": "verify: mean seconds between two cuts of a client (default: a tenth of the duration)",
    "away": "verify: seconds that a cut client stays away at most",
    "seed": "seed of everything random",
    "shards": "processes that share the clients (Kubernetes Job: its parallelism)",
    "shard": "which of them this is (default: JOB_COMPLETION_INDEX); shard 0 publishes",
    "settle": "seconds between the last connection and the first publication (default: 5 with several shards)",
    "clock": "stamps: monotonic (one host), wall (several), auto",
}


def parse(arguments: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Read the command line; ends the process with a message when it is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m loadgen",
        description="Load for a server of the Centrifuge protocol.",
        epilog="Scenarios: " + "; ".join(f"{name}: {text}" for name, text in SCENARIOS.items()) + ". soak is verify.",
    )
    defaults = Options()
    parser.add_argument("scenario", nargs="?", choices=[*SCENARIOS, "soak"], default=environ.get("LOADGEN_SCENARIO"))
    for name, text in _HELP.items():
        value = environ.get(f"LOADGEN_{name.upper()}", getattr(defaults, name))
        if name == "shard":
            value = environ.get("LOADGEN_SHARD", environ.get("JOB_COMPLETION_INDEX", 0))
        kind = type(getattr(defaults, name))
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=kind(value), help=text)
    as_json = environ.get("LOADGEN_JSON", "") == "1"
    parser.add_argument("--json", action="store_true", default=as_json, help="print JSON instead of a table")
    values = vars(parser.parse_args(arguments))
    values["scenario"] = {"soak": "verify", None: "fanout"}.get(values["scenario"], values["scenario"])
    if not 0 <= values["shard"] < values["shards"]:
        parser.error(f"--shard {values['shard']}: expected 0 to {values['shards'] - 1}")
    if values["dialect"] not in DIALECTS:
        parser.error(f"--dialect {values['dialect']}: expected {', '.join(DIALECTS)}")
    if values["shards"] > 1 and not values["settle"]:
        values["settle"] = 5.0
    return Options(**values)
