"""What staff may see and do with live connections. The only caller of the census from the Django side."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import structlog

from tandem import conf, control
from tandem.census import LIMIT, Answer, Client, Crowd, take_census
from tandem.pause import paused_since, tell_paused
from tandem.tokens import subscription_token

TAP_SECONDS = 3600
MAX_TAPPED = 50  # channels of one tap: a connection has a limit of its own

log = structlog.get_logger("tandem.monitor")


class Tap(msgspec.Struct, frozen=True):
    """What a browser needs to follow channels: a subscription token for each. `left_out` did not fit."""

    channels: dict[str, str]
    left_out: int = 0


def overview(search: str = "") -> dict[str, Any]:
    """Return what all processes together tell. Raises `RedisUnavailable` or `RedisReplyError`."""
    since = paused_since()
    return {**merge(take_census(search=search[:255])), "paused": tell_paused(since) if since else ""}


def connections_of(user: str) -> list[Client]:
    """Return the connections of *user* (empty: anonymous) in every process."""
    return [client for answer in take_census(user=user) for client in answer.clients]


def tap(*, channel: str = "", user: str | None = None, by: str) -> Tap:
    """
    Let a browser of staff follow *channel*, or every channel that *user* is subscribed to now.

    The browser subscribes as any client does; when it leaves, nothing is left. Raises `InvalidChannel`,
    `UnknownNamespace`, or what the census raises.
    """
    if user is None:
        names = [channel]
        conf.namespaces().of(channel)
    else:
        names = sorted({name for client in connections_of(user) for name in client.channels})
    log.info("live.tap", channel=channel, tapped_user=user, by=by, channels=len(names))
    key = conf.token_secrets()[0]
    tokens = {name: subscription_token(key, "", name, ttl=TAP_SECONDS) for name in names[:MAX_TAPPED]}
    return Tap(tokens, max(0, len(names) - MAX_TAPPED))


def disconnect(*, user: str = "", client: str = "", by: str) -> None:
    """End the connections of *user*, or the one called *client*, with 3503: they do not come back by themselves."""
    log.info("live.disconnect", disconnected_user=user, client=client, by=by)
    control.disconnect(user=user, client=client)


def merge(answers: list[Answer]) -> dict[str, Any]:
    """Add up what the processes told; pods stay apart, users and channels are counted over all of them."""
    users, channels = _sum(answers, "users"), _sum(answers, "channels")
    warnings = [(line, answer.pod) for answer in answers for line in answer.warnings]
    warnings.sort(key=lambda told: told[0].time, reverse=True)
    return {
        "connections": sum(sum(answer.transports.values()) for answer in answers),
        "pods": [
            {
                "pod": answer.pod,
                "node": answer.node[:8],
                "connections": sum(answer.transports.values()),
                "transports": answer.transports,
                "users": answer.user_count,
                "channels": answer.channel_count,
                "is_draining": answer.is_draining,
            }
            for answer in answers
        ],
        "users": users,
        "channels": channels,
        "warnings": [{**msgspec.to_builtins(line), "pod": pod} for line, pod in warnings[:LIMIT]],
    }


def _sum(answers: list[Answer], field: str) -> list[dict[str, Any]]:
    total: Counter[str] = Counter()
    for answer in answers:
        crowds: list[Crowd] = getattr(answer, field)
        for crowd in crowds:
            total[crowd.name] += crowd.count
    largest = sorted(total.items(), key=lambda item: (-item[1], item[0]))[:LIMIT]
    return [{"name": name, "count": count} for name, count in largest]
