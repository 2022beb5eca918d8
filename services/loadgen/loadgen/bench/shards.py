"""
``python -m loadgen.bench.shards``: the CPU of a publication over one Redis, three, and a cluster; how even it is.

Measured are this process, which publishes as a Django view does, and every Redis. One after the other, interleaved.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from rig.servers import RedisServer, free_port

SHARDS = 3
CHANNELS = 3000
NAMESPACES = {"bench": {"history_size": 100, "history_ttl": 3600}}
DATA = {"name": "demo", "value": 17, "version": 23}


class Cost(NamedTuple):
    """Microseconds of CPU for a publication, here and in Redis, and how far a Redis is from its share at most."""

    here: float
    redis: float
    unevenness: float

    @property
    def total(self) -> float:
        """Both together."""
        return self.here + self.redis


class Arrangement(NamedTuple):
    """Where it is, and of which servers it is made."""

    urls: list[str]
    servers: Sequence[RedisServer]


def main() -> None:
    """Measure, print a table, and say what three cost beside one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--publications", type=int, default=6000, help="in each round")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        folders = [Path(directory) / str(number) for number in range(SHARDS + 1)]
        for folder in folders:
            folder.mkdir()
        single, *several = [stack.enter_context(RedisServer(folder, port=free_port())) for folder in folders]
        _configure()
        from rig.redis_cluster import RedisCluster

        cluster = stack.enter_context(RedisCluster(Path(directory), masters=SHARDS))
        arrangements = {
            "one": Arrangement([single.url], [single]),
            "three": Arrangement([server.url for server in several], several),
            "cluster": Arrangement([cluster.url], cluster.masters),
        }
        print(table(measure(arrangements, arguments.rounds, arguments.publications)))


def measure(arrangements: dict[str, Arrangement], rounds: int, publications: int) -> dict[str, Cost]:
    """Return the median cost of each arrangement."""
    taken: dict[str, list[Cost]] = {name: [] for name in arrangements}
    for _ in range(rounds + 1):
        for name, arrangement in arrangements.items():
            taken[name].append(_publish(arrangement, publications))
    return {
        name: Cost(*(statistics.median(each) for each in zip(*costs[1:], strict=True)))  # the first round warms up
        for name, costs in taken.items()
    }


def table(costs: dict[str, Cost]) -> str:
    """Return what each costs, and what three cost beside one."""
    lines = ["Redis    here us  Redis us  total us  uneven by"]
    lines += [
        f"{name:<7} {cost.here:8.1f} {cost.redis:9.1f} {cost.total:9.1f} {cost.unevenness:9.1%}"
        for name, cost in costs.items()
    ]
    lines += [f"{name}: {costs[name].total / costs['one'].total:.2f} times one" for name in ("three", "cluster")]
    return "\n".join(lines)


def _publish(arrangement: Arrangement, publications: int) -> Cost:
    from rig.overrides import override_tandem
    from tandem import publish

    urls, servers = arrangement
    with override_tandem(redis_urls=urls):
        before = [_cpu_seconds(server) for server in servers]
        started = time.process_time()
        for number in range(publications):
            publish(f"bench:{number % CHANNELS}", DATA)
        here = time.process_time() - started
        spent = [_cpu_seconds(server) - was for server, was in zip(servers, before, strict=True)]
    mean = sum(spent) / len(spent)
    furthest = max(abs(each - mean) for each in spent) / mean if mean else 0.0
    return Cost(here / publications * 1e6, sum(spent) / publications * 1e6, furthest)


def _cpu_seconds(server: RedisServer) -> float:
    import redis

    with redis.Redis.from_url(server.url) as client:
        used = client.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


def _configure() -> None:
    import django
    from django.conf import settings

    settings.configure(TANDEM={"namespaces": NAMESPACES}, INSTALLED_APPS=["tandem"], SECRET_KEY="for a benchmark" * 4)
    django.setup()


if __name__ == "__main__":
    main()
