"""The checks, a module for each kind; `CHECKS` has them by name, in the order in which they are best tried."""

from __future__ import annotations

from collections.abc import Callable

from ..kube import Release
from ..verdicts import Verdicts
from . import arrangements, bad_input, deletions, edges, first_day, releases, rollouts, scaling, stores, team

Check = Callable[[Release, Verdicts], None]

CHECKS: dict[str, Check] = {
    "install": first_day.install,
    "test": first_day.test,
    "forward": first_day.forward,
    "policies": first_day.policies,
    "idle": first_day.idle,
    "upgrade": rollouts.upgrade,
    "rollback": rollouts.rollback,
    "realtime": rollouts.realtime,
    "api": rollouts.api,
    "edge": rollouts.edge,
    "load": rollouts.load,
    "scale": rollouts.scale,
    "outage": stores.outage,
    "delete-redis": deletions.redis,
    "delete-postgresql": deletions.postgresql,
    "delete-api": deletions.api,
    "delete-realtime": deletions.realtime,
    "delete-edge": deletions.edge,
    "kill": deletions.kill,
    "twice": first_day.twice,
    "uninstall": first_day.uninstall,
    "again": releases.again,
    "apply-twice": releases.applied_twice,
    "last-release": releases.last_release,
    "two-releases": arrangements.two_releases,
    "everything": arrangements.everything,
    "ha": arrangements.high_availability,
    "team": team.team,
    "guards": bad_input.guards,
    "broken": bad_input.broken,
    "hpa": scaling.hpa,
    "drain": scaling.drain,
    "evict": scaling.evict,
    "traefik": edges.traefik,
}
CLUSTER_TEST = [
    "install",
    "test",
    "forward",
    "policies",
    "upgrade",
    "rollback",
    "realtime",
    "api",
    "edge",
    "load",
    "scale",
    "outage",
    "delete-redis",
    "delete-postgresql",
    "delete-api",
    "delete-realtime",
    "delete-edge",
    "idle",
    "twice",
    "uninstall",
]
"""What `make cluster-test` tries: it needs nothing beside the images of the chart."""
