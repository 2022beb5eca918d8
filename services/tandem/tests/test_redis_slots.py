"""Buckets and their tags, and what a cluster says of its masters."""

from __future__ import annotations

import pytest
from redis.crc import key_slot

from rig.overrides import override_tandem
from tandem.groups import group_for, layer_channel, name_for, shard_for, shard_for_name
from tandem.names import boot_keys, key_of, plain_key
from tandem.namespaces import CONTROL_CHANNEL
from tandem.poke import poke_shard
from tandem.presence import change_call
from tandem.redis.clustered import read_clustered
from tandem.redis.slots import BUCKETS, SLOTS, TAGS, Node, SlotMap, bucket_in, slot_of
from tandem.revocations import page_call
from tests.conftest import NAMESPACES
from tests.test_redis_user import calls

ASKED = Node("asked", 1)
CHANNELS = [f"public:{number}" for number in range(2000)]


def test_buckets_are_spread_as_evenly_as_slots() -> None:
    """Over three masters none has more than 10 % beside its share, of buckets and of channels."""
    masters = [slot_of(tag) * 3 // SLOTS for tag in TAGS]
    with override_tandem(redis_urls=["redis+cluster://a:1"]):
        loads = [sum(masters[shard_for(channel, BUCKETS)] == each for channel in CHANNELS) for each in range(3)]

    assert len(set(TAGS)) == BUCKETS
    assert [abs(masters.count(each) * 3 / BUCKETS - 1) < 0.1 for each in range(3)] == [True] * 3
    assert [abs(load * 3 / len(CHANNELS) - 1) < 0.1 for load in loads] == [True] * 3


@pytest.mark.parametrize("prefix", ["", "shop"])
def test_all_of_a_channel_is_in_one_slot(prefix: str) -> None:
    """Its keys, the name of its group and what says that its Redis was restarted, as Redis itself counts slots."""
    with override_tandem(redis_urls=["redis+cluster://a:1"], redis_prefix=prefix):
        for channel in CHANNELS[:50]:
            group = layer_channel(group_for(channel))
            keys = [key_of("meta", channel), key_of("once", channel) + ":x", *boot_keys(channel), group]
            keys += change_call(channel, [], announce=True).keys

            assert {key_slot(key.encode()) for key in keys} == {slot_of(TAGS[shard_for(channel, BUCKETS)])}
            assert all(key.startswith(f"{prefix or 'tandem'}:") for key in keys if key != group)
            assert group.startswith(prefix or "asgi")


def test_every_script_is_in_one_slot() -> None:
    """Of the channel that it is run for; what was revoked is where those are told of it."""
    with override_tandem(redis_urls=["redis+cluster://a:1"], namespaces=NAMESPACES):
        slots = {call.script.name: {key_slot(key.encode()) for key in call.keys} for call in calls()}
        revoked = {bucket_in(key) for key in page_call().keys}

        assert {name: len(each) for name, each in slots.items()} == dict.fromkeys(slots, 1)
        assert revoked == {shard_for(CONTROL_CHANNEL, BUCKETS)}


def test_what_is_no_channel_is_in_the_slot_of_its_shard() -> None:
    """A ticket, what workers hear, and keys beside something else."""
    with override_tandem(redis_urls=["redis+cluster://a:1"]):
        assert bucket_in(plain_key("ticket", "t")) == shard_for("t", BUCKETS)
        assert bucket_in(plain_key("census", "t", bucket=7)) == 7
        assert poke_shard(BUCKETS) == shard_for_name(name_for("tandem"), BUCKETS) == bucket_in(name_for("tandem"))


def test_names_of_one_redis_stay() -> None:
    """Nothing carries a tag but the channel's own braces, so that the last release still hears us."""
    with override_tandem(redis_urls=["redis://a:1/0"]):
        assert key_of("meta", "public:1") == "tandem:meta:{public:1}"
        assert boot_keys("public:1") == ("tandem:boot", "tandem:born")
        assert layer_channel("g") == "asgi__group__g"


def test_what_a_cluster_says() -> None:
    """Slots that nobody has are unknown; a node without a name is where it was asked; MOVED moves one bucket."""
    slots = SlotMap()
    first, last = BUCKETS // 4, BUCKETS - 1
    slots.take(
        [[0, SLOTS // 2 - 1, [b"a", 1, b"id"], [b"replica", 9, b"id"]], [SLOTS * 3 // 4, SLOTS - 1, [b"", 2]]], ASKED
    )
    assert (slots.masters[first], slots.masters[BUCKETS * 5 // 8], slots.masters[last]) == (
        Node("a", 1),
        None,
        Node("asked", 2),
    )

    slots.move(f"MOVED {slot_of(TAGS[first])} ::1:7", ASKED)
    slots.move(f"MOVED {slot_of(TAGS[last])} :8", ASKED)
    slots.move("MOVED 0 elsewhere:9" if slot_of(TAGS[0]) else "MOVED 1 elsewhere:9", ASKED)

    assert (slots.masters[0], slots.masters[first], slots.masters[last]) == (
        Node("a", 1),
        Node("::1", 7),
        Node("asked", 8),
    )
    assert slots.nodes == sorted([Node("a", 1), Node("::1", 7), Node("asked", 8), Node("asked", 2)])


def test_address_of_a_node() -> None:
    """Credentials, TLS and the query are the cluster's; IPv6 stands in brackets."""
    cluster = read_clustered("rediss+cluster://u:p%40@[::1]:1,b?ssl_ca_certs=/ca.crt")

    assert cluster.nodes == (Node("::1", 1), Node("b", 6379))
    assert cluster.url_of(cluster.nodes[0]) == "rediss://u:p%40@[::1]:1/0?ssl_ca_certs=/ca.crt"
    assert cluster.url_of(Node("c", 2)) == "rediss://u:p%40@c:2/0?ssl_ca_certs=/ca.crt"
