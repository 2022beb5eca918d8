"""Deployments that share a Redis: told apart by a prefix or by the database, and a user who may touch nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

import tandem
from rig.overrides import override_tandem
from rig.servers import RedisServer
from tandem import conf, control, revocations, streams
from tandem.conf import read
from tandem.groups import group_for
from tandem.layer import ChannelLayer
from tandem.poke import CHANNEL, poke_workers
from tandem.shards import shards
from tandem.tickets import create_ticket, take_command


@pytest.fixture
def server(own_redis: RedisServer) -> Iterator[redis.Redis]:
    """A Redis whose user ``shop`` may touch what begins with ``shop`` and nothing else."""
    with redis.Redis.from_url(own_redis.url) as client:
        rules = ("~shop*", "resetchannels", "&shop*", "+@all", "-@dangerous", "+info", "+config|get")
        client.execute_command("ACL", "SETUSER", "shop", "on", ">secret", *rules)
        yield client


def test_prefix_is_enough_for_a_user(server: redis.Redis, own_redis: RedisServer) -> None:
    """Publish, history, tickets, control and revocations: no name but those with the prefix, in whatever database."""
    url = f"redis://shop:secret@127.0.0.1:{own_redis.port}/3"
    with override_tandem(redis_urls=[url], redis_prefix="shop"):
        position = tandem.publish("kept:a", 1, idempotency_key="a")
        control.disconnect(user="42")
        control.revoke([revocations.Revocation("user 42", 1, 60)])
        [ticket] = shards().commands(0, [take_command(create_ticket("42"))])
        poke_workers()
        found = streams.history("kept:a", limit=5)
    with redis.Redis.from_url(f"{own_redis.url[:-1]}3") as client:
        keys = client.keys()

    assert found.position == position
    assert b"42" in ticket
    assert [key for key in keys if not key.startswith(b"shop:")] == []


SHARED = [
    pytest.param({"db": 0}, {"db": 1}, id="number"),
    pytest.param({"db": 0}, {"db": 0, "redis_prefix": "staging"}, id="prefix"),
    pytest.param({"db": 2, "redis_prefix": "shop"}, {"db": 3, "redis_prefix": "shop"}, id="one prefix, two numbers"),
]


@pytest.mark.parametrize(("one", "other"), SHARED)
async def test_two_deployments_do_not_hear_each_other(
    own_redis: RedisServer, one: dict[str, object], other: dict[str, object]
) -> None:
    """Groups, channels, pokes of workers and streams: what the other says reaches nobody here."""
    heard: list[str] = []
    with using(own_redis, one):
        layer = ChannelLayer()
        await layer.listen(
            [group_for("kept:a"), group_for("live:a"), control.GROUP], lambda group, _: heard.append(group)
        )
        poked = asyncio.ensure_future(layer.receive(CHANNEL))
    with using(own_redis, other):
        await asyncio.to_thread(say_everything)
    with using(own_redis, one):
        position = await asyncio.to_thread(tandem.position, "kept:a")
        await asyncio.to_thread(tandem.publish, "live:a", "ours")
        async with asyncio.timeout(5):
            while not heard:
                await asyncio.sleep(0.02)
    was_poked = poked.done()
    poked.cancel()
    await asyncio.wait([poked])
    await layer.flush()

    assert position is not None
    assert position.offset == 0
    assert heard == [group_for("live:a")]
    assert not was_poked


async def test_worker_hears_the_poke_of_its_deployment(own_redis: RedisServer) -> None:
    """Its channel has the prefix, too."""
    with using(own_redis, {"db": 2, "redis_prefix": "shop"}):
        layer = ChannelLayer()
        poked = asyncio.ensure_future(layer.receive(CHANNEL))
        async with asyncio.timeout(5):
            while not poked.done():
                await asyncio.to_thread(poke_workers)
                await asyncio.sleep(0.02)
        await layer.flush()

    assert poked.result() == {"type": "work"}


def say_everything() -> None:
    """Publish with and without history, control, and a poke."""
    tandem.publish("kept:a", 1)
    tandem.publish("live:a", 1)
    control.disconnect(user="42")
    poke_workers()


def using(server: RedisServer, deployment: dict[str, object]) -> override_settings:
    """Be that deployment."""
    options = {name: value for name, value in deployment.items() if name != "db"}
    return override_tandem(redis_urls=[f"redis://127.0.0.1:{server.port}/{deployment['db']}"], **options)


@pytest.mark.parametrize("prefix", ["a b", "a:b", "{a}", "a*"])
def test_prefix_that_cannot_be(prefix: str) -> None:
    """Braces would choose the slot of a cluster, and a pattern of the ACL is no name."""
    with pytest.raises(ImproperlyConfigured, match="redis_prefix is letters, digits"):
        read({"redis_prefix": prefix}, {})


def test_credentials_of_their_own(server: redis.Redis, own_redis: RedisServer, tmp_path: Path) -> None:
    """User and password come by themselves, the password from a file too; an address that has its own keeps them."""
    file = tmp_path / "password"
    file.write_text("secret\n")
    address = f"redis://127.0.0.1:{own_redis.port}/0"
    for given in ({"redis_password": "secret"}, {"redis_password_file": str(file)}):
        with override_tandem(redis_urls=[address], redis_prefix="shop", redis_user="shop", **given):
            tandem.publish("kept:a", 1)
    with override_tandem(redis_urls=["redis://x:y@h/0", "rediss://h:1/2?a=b"], redis_user="u", redis_password="p/@:"):
        urls = conf.redis_urls()

    assert urls == ("redis://x:y@h/0", "rediss://u:p%2F%40%3A@h:1/2?a=b")


def test_password_file_that_is_not_there(tmp_path: Path) -> None:
    """The sentence names the key and the file."""
    with override_tandem(redis_urls=["redis://h/0"], redis_password_file=str(tmp_path / "none")):
        with pytest.raises(ImproperlyConfigured, match=r"redis_password_file.*none"):
            conf.redis_urls()
