"""``python -m loadgen.plan``: pods, cores, memory, Redis and the time of a deploy, from what one of each costs."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path

from . import arithmetic, coefficients
from .arithmetic import Demand, Plan

_HELP = {
    "connections": "open at the same time",
    "publications": "a second, all channels together",
    "subscribers": "connections that a publication reaches, on average",
    "own": "share of the connections that has a channel of its own (an inbox)",
    "presence": "share of the connections whose presence is kept",
    "minutes": "that a connection stays",
    "load": "of its core, that a pod or a Redis may have",
    "pod_connections": "that a pod may have",
    "drain_seconds": "TANDEM_DRAIN_SECONDS",
    "ready_seconds": "minReadySeconds, and what else passes before a pod that listens counts",
    "at_once": "pods that a deploy adds at once (maxSurge)",
}


def main() -> int:
    """Print what the demand takes."""
    parser = argparse.ArgumentParser(prog="python -m loadgen.plan", description=__doc__)
    for field in fields(Demand):
        kind = {"int": int, "float": float}[str(field.type)]
        is_needed = field.name in ("connections", "publications")
        default = None if is_needed else field.default
        text = _HELP[field.name] + ("" if is_needed else " (%(default)s)")
        option = f"--{field.name.replace('_', '-')}"
        parser.add_argument(option, type=kind, required=is_needed, default=default, help=text)
    parser.add_argument(
        "--coefficients", type=Path, default=coefficients.STORED, help="JSON of loadgen.bench.plan.measuring"
    )
    values = vars(parser.parse_args())
    try:
        cost = coefficients.read(values.pop("coefficients"))
        demand = Demand(**values)
        print(table(demand, arithmetic.plan(demand, cost)))
    except ValueError as error:
        parser.error(str(error))
    return 0


def table(demand: Demand, plan: Plan) -> str:
    """Return the plan for a reader."""
    shards = f"{plan.redis_shards} shard{'s' if plan.redis_shards > 1 else ''}"
    rows = [
        ("a second", f"{demand.deliveries:,.0f} deliveries, {demand.joins:,.0f} who come and as many who go"),
        ("pods", f"{plan.pods:,}, a core each, {demand.connections / plan.pods:,.0f} connections"),
        ("cores", f"{plan.cores:,.1f} busy, {plan.cores / plan.pods:.0%} of each"),
        ("memory of a pod", f"{_mib(plan.bytes_of_a_pod)}, and {_mib(plan.kernel_bytes_of_a_pod)} of the kernel's"),
        (
            "Redis",
            f"{shards}, {plan.redis_cores:,.2f} cores busy in all",
        ),
        ("memory of Redis", f"{_mib(plan.redis_bytes)} in all, and what the streams keep"),
        ("all back at once", f"{plan.storm_seconds:,.0f} s, of every pod's core or every Redis's, whichever is longer"),
        (
            "deploy",
            f"{plan.deploy_seconds / 60:,.0f} min; {plan.deploy_returns:,.0f} come back a second,"
            f" which makes {plan.deploy_load:.0%} of each core",
        ),
    ]
    if plan.deploy_load > 1:
        rows.append(("too fast", "the deploy asks more than there is: more pods, a longer drain, fewer at once"))
    return "\n".join(f"{name:>16}  {text}" for name, text in rows)


def _mib(count: float) -> str:
    return f"{count / 2**20:,.0f} MiB"


if __name__ == "__main__":
    sys.exit(main())
