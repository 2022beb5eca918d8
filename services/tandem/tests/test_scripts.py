"""The scripts over a real Redis: epochs, restarts, and what a stream says that is not whole any more."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tandem import scripts
from tandem.namespaces import Namespace
from tandem.publication import Position, pack_body
from tandem.redis.run import UNKNOWN, Run
from tandem.scripts import Call, Entries, StreamState
from tandem.sync_shards import Shards

DAY = 86_400
CHANNEL = "kept:a"
NAMESPACE = Namespace(history_size=5, history_ttl=60)
runs = itertools.count()


class Stream:
    """One channel's stream, as the scripts see it."""

    def __init__(self, shards: Shards) -> None:
        self.shards = shards
        self.now = Run("run", keeps=False)

    def run(self, call: Call) -> object:
        """Run *call* as if over a connection to the present run of Redis."""
        [reply] = self.shards.commands(0, [call.evalsha(self.now)])
        return reply

    def publish(self, count: int = 1) -> Position:
        """Publish and return the last position."""
        for _ in range(count):
            body = pack_body(CHANNEL, b"1", tags=b"", info=b"", time=0, request="")
            position = scripts.parse_published(
                self.run(scripts.publish_call(CHANNEL, NAMESPACE, body, once=None))
            ).position
        return position

    def read(
        self, since: Position | None = None, limit: int = 100, *, whole: bool = False, is_client: bool = False
    ) -> Entries:
        """Read what follows *since*."""
        return scripts.parse_entries(
            self.run(scripts.read_call(CHANNEL, since, limit, whole=whole, is_client=is_client))
        )

    def offsets(self, since: Position | None = None, limit: int = 100, *, whole: bool = False) -> list[int]:
        """Return the offsets of what follows *since*."""
        return [offset for offset, _ in self.read(since, limit, whole=whole).entries]

    def check(self, at: Position) -> StreamState:
        """Return what a position check answers a hub that stands *at*."""
        [state] = scripts.parse_states(self.run(scripts.check_call([(CHANNEL, at)])))
        return state

    def restart(self, *, kept: bool) -> None:
        """Have Redis look as if it had restarted, with every write kept or not."""
        self.now = Run(f"run-{next(runs)}", keeps=kept)


@pytest.fixture
def stream(redis_url: str) -> Iterator[Stream]:
    """The stream of one channel in an empty Redis, which knows no script."""
    with redis.Redis.from_url(redis_url) as client:
        client.script_flush()
    shards = Shards([redis_url])
    yield Stream(shards)
    shards.close()


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """A way to look behind the scripts' back."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


def test_restart_that_kept_nothing_is_a_new_epoch(stream: Stream) -> None:
    """Readers of the old one are told; offsets begin again."""
    before = stream.publish(3)
    stream.restart(kept=False)
    found = stream.read(before)

    assert found.state.position.epoch != before.epoch
    assert (found.state.position.offset, found.continues, found.entries) == (0, False, [])
    assert stream.publish() == Position(found.state.position.epoch, 1)


def test_restart_that_kept_every_write_takes_over(stream: Stream) -> None:
    """A new epoch that remembers the old: who stands at or below the takeover lost nothing."""
    before = stream.publish(3)
    stream.restart(kept=True)
    after = stream.publish()
    found = stream.read(Position(before.epoch, 2))

    assert after.offset == 4
    assert after.epoch != before.epoch
    assert found.state == StreamState(after, before)
    assert (found.continues, [offset for offset, _ in found.entries]) == (True, [3, 4])


def test_takeover_is_remembered_once(stream: Stream) -> None:
    """After two restarts only the last epoch continues."""
    first = stream.publish()
    stream.restart(kept=True)
    second = stream.publish()
    stream.restart(kept=True)
    found = stream.read(first)

    assert not found.continues
    assert found.state.previous == second


@pytest.mark.parametrize("is_client", [False, True], ids=["hub", "client"])
def test_reader_ahead_of_a_takeover_proves_a_loss(stream: Stream, is_client: bool) -> None:
    """The end of the append-only file is gone: everybody starts over, also those whom it had seemed to spare."""
    before = stream.publish(3)
    stream.restart(kept=True)
    taken_over = stream.read().state.position
    found = stream.read(Position(before.epoch, 4), is_client=is_client)

    assert (found.continues, found.state.previous, found.state.position.offset) == (False, None, 0)
    assert found.state.position.epoch not in (before.epoch, taken_over.epoch)
    assert not stream.read(before).continues


def test_hub_ahead_of_the_stream_proves_a_loss(stream: Stream) -> None:
    """A hub has what Redis has not: a new epoch, by the check as by a read."""
    before = stream.publish(3)
    state = stream.check(Position(before.epoch, 9))
    again = stream.publish()
    found = stream.read(Position(again.epoch, 9))

    assert state.position.epoch != before.epoch
    assert state.position.offset == 0
    assert found.state.position.epoch not in (before.epoch, again.epoch)


def test_client_ahead_of_the_stream_proves_nothing(stream: Stream) -> None:
    """Anybody can claim a position in the present epoch: told that it is lost, and nobody else hears of it."""
    before = stream.publish(3)
    found = stream.read(Position(before.epoch, 4), is_client=True)

    assert (found.continues, found.state.position) == (False, before)
    assert stream.offsets() == [1, 2, 3]


def test_check_of_what_is_whole_changes_nothing(stream: Stream) -> None:
    """It answers where the stream stands."""
    at = stream.publish(3)

    assert stream.check(Position(at.epoch, 1)).position == at
    assert stream.check(Position("another", 99)).position == at


@pytest.mark.parametrize("reverse", [False, True])
def test_read_ends_when_it_has_enough(stream: Stream, reverse: bool) -> None:
    """A Redis that reads does nothing else; whoever wants more asks again from there."""
    body = pack_body(CHANNEL, b"1", tags=b"", info=b"", time=0, request="")
    for _ in range(90):
        stream.run(scripts.publish_call(CHANNEL, Namespace(history_size=90, history_ttl=60), body, once=None))

    def read(enough: int) -> list[tuple[int, bytes]]:
        call = scripts.read_call(CHANNEL, None, 80, reverse=reverse, enough=enough)
        return scripts.parse_entries(stream.run(call)).entries

    every = read(0)
    size = sum(len(body) for _, body in every)

    assert len(every) == 80
    assert read(10 * size) == every
    assert read(1) == every[:20]
    assert read(size // 2) == every[: len(read(size // 2))]
    assert size // 2 <= sum(len(body) for _, body in read(size // 2)) < size


def test_whole_read_is_all_or_nothing(stream: Stream) -> None:
    """A position elsewhere: nothing is sent that would not be used. More missed than the limit: the first of them."""
    at = stream.publish(4)

    assert stream.offsets(Position(at.epoch, 1), 3, whole=True) == [2, 3, 4]
    assert stream.offsets(Position(at.epoch, 0), 3, whole=True) == [1, 2, 3]
    assert stream.offsets(Position("another", 3), 3, whole=True) == []


def test_trimmed_stream_shows_its_hole(stream: Stream) -> None:
    """Five are kept: a reader further back gets what is there, and can see that it does not join."""
    at = stream.publish(8)
    found = stream.read(Position(at.epoch, 1))

    assert found.continues
    assert [offset for offset, _ in found.entries] == [4, 5, 6, 7, 8]


def test_lost_meta_drops_the_stream(stream: Stream, client: redis.Redis) -> None:
    """What cannot be placed any more is not told under another epoch."""
    before = stream.publish(3)
    client.delete(scripts.meta_key(CHANNEL))
    after = stream.publish()

    assert after.offset == 1
    assert after.epoch != before.epoch
    assert stream.offsets() == [1]


def test_lost_stream_keeps_the_position(stream: Stream, client: redis.Redis) -> None:
    """It ran out, as its lifetime says: offsets go on, and who is behind sees that nothing joins."""
    before = stream.publish(3)
    client.delete(scripts.stream_key(CHANNEL))
    found = stream.read(Position(before.epoch, 1))

    assert (found.state.position, found.continues, found.entries) == (before, True, [])


def test_evicted_incarnation_is_a_new_epoch(stream: Stream, client: redis.Redis) -> None:
    """Without it nobody knows what was kept."""
    before = stream.publish(3)
    client.delete("tandem:boot")

    assert not stream.read(before).continues


def test_forgotten_scripts_are_no_restart(stream: Stream, client: redis.Redis) -> None:
    """SCRIPT FLUSH costs a round trip and no epoch."""
    before = stream.publish()
    client.script_flush()

    assert stream.publish() == Position(before.epoch, 2)


def test_reading_does_not_shorten_the_life_of_a_position(stream: Stream, client: redis.Redis) -> None:
    """A namespace with a long history has asked for a long memory; a read of it is hardly ever a write."""
    at = stream.publish()
    client.expire(scripts.meta_key(CHANNEL), 10 * DAY)
    stream.read()
    stream.check(at)

    assert client.ttl(scripts.meta_key(CHANNEL)) > 9 * DAY


def test_reading_keeps_a_position_alive(stream: Stream, client: redis.Redis) -> None:
    """A channel that is listened to and silent for months does not lose its epoch."""
    at = stream.publish()
    client.expire(scripts.meta_key(CHANNEL), 100)
    stream.check(at)

    assert client.ttl(scripts.meta_key(CHANNEL)) > 0.9 * DAY


def test_one_lossy_restart_of_two_is_enough(stream: Stream) -> None:
    """The second kept everything that the first had left; a channel nobody asked for in between is told."""
    before = stream.publish(3)
    stream.restart(kept=False)
    stream.run(scripts.read_call("kept:other", None, 0))
    stream.restart(kept=True)

    assert not stream.read(before).continues


def test_two_kept_restarts_lose_nothing(stream: Stream) -> None:
    """Also for a channel that nobody asked for in between."""
    before = stream.publish(3)
    stream.restart(kept=True)
    stream.run(scripts.read_call("kept:other", None, 0))
    stream.restart(kept=True)

    assert stream.read(before).continues


def test_redis_that_does_not_tell_its_run_is_the_one_it_was(stream: Stream) -> None:
    """INFO is forbidden to one of two: nobody takes that for a restart."""
    before = stream.publish(3)
    stream.now = UNKNOWN

    assert stream.publish() == Position(before.epoch, 4)


def test_what_was_born_is_noted_for_a_day(stream: Stream, client: redis.Redis) -> None:
    """The note lets go of what is older, and ends with the last of it."""
    stream.publish()
    rows: Any = client.zrange("tandem:born", 0, -1, withscores=True)
    [(name, half)] = rows
    client.zadd("tandem:born", {"older": half - 2, "old": half - 1})
    stream.run(publish_to("kept:b"))

    assert set(client.zrange("tandem:born", 0, -1)) == {b"old", name, name.replace(b"kept:a", b"kept:b")}
    assert 0 < client.ttl("tandem:born") <= 1.5 * DAY


def publish_to(channel: str) -> Call:
    """Publish to another channel."""
    body = pack_body(channel, b"1", tags=b"", info=b"", time=0, request="")
    return scripts.publish_call(channel, NAMESPACE, body, once=None)


def test_readers_of_what_was_never_published_write_nothing(stream: Stream, client: redis.Redis) -> None:
    """Not a key, and all of them are told one epoch, which is that of the first publication."""
    client.flushall()
    stream.run(scripts.read_call("kept:other", None, 0))  # which notes the incarnation, for all of them
    before = set(client.keys("*"))
    states = [stream.read().state, stream.check(Position("", 0)), stream.read(is_client=True).state]

    assert set(client.keys("*")) == before
    assert len({state.position for state in states}) == 1
    assert stream.publish() == Position(states[0].position.epoch, 1)


def test_reader_from_before_noon_stands_in_what_begins_after(stream: Stream) -> None:
    """The epoch of a silent channel changes twice a day; whoever was told the last one has missed nothing."""
    previous = stream.read().state.previous
    assert previous is not None
    assert previous.offset == 0
    stream.publish(2)

    assert stream.offsets(previous, whole=True) == [1, 2]
    assert not stream.read(Position(previous.epoch, 1), is_client=True).continues
    assert stream.offsets() == [1, 2]


def test_deleted_channel_does_not_begin_its_epoch_again(stream: Stream, client: redis.Redis) -> None:
    """Whoever stood in it is told, also when as much was published since."""
    at = stream.publish(2)
    client.delete(scripts.meta_key(CHANNEL), scripts.stream_key(CHANNEL))
    after = stream.publish(3)

    assert after.epoch != at.epoch
    assert not stream.read(at, is_client=True).continues


def test_emptied_redis_is_another_incarnation(stream: Stream, client: redis.Redis) -> None:
    """Nobody restarted it, but nothing is left."""
    epoch = stream.read().state.position.epoch
    client.flushall()
    again = stream.read().state.position.epoch

    assert again != epoch
    assert stream.publish() == Position(again, 1)
