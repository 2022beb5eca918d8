"""When a process joins the group of a channel, and when it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
import pytest_asyncio

from tandem.async_shards import AsyncShards
from tandem.errors import RedisUnavailable
from tandem.groups import group_for
from tandem.namespaces import Namespaces
from tandem.publication import Publication
from tandem_realtime.hub import membership
from tandem_realtime.hub.certainty import Certainty
from tandem_realtime.hub.channel import LiveChannel
from tandem_realtime.hub.membership import MAX_JOINS, Membership
from tandem_realtime.hub.streams import Streams
from tandem_realtime.hub.subscription import Subscription
from tandem_realtime.hub.tasks import Tasks
from tandem_realtime.protocol.encodings import LINES

NAMESPACES = Namespaces({"p": {"history_size": 5, "history_ttl": 60}, "live": {}})


class Groups:
    """Where live publications come from: notes who joined and left; *fail* is called at each join."""

    def __init__(self) -> None:
        self.joined: list[str] = []
        self.left: list[str] = []
        self.fail: Callable[[], None] = lambda: None

    async def join(self, group: str) -> None:
        """Take a turn of the loop."""
        self.joined.append(group)
        await asyncio.sleep(0.01)
        self.fail()

    async def leave(self, groups: Sequence[str]) -> None:
        """Take note."""
        self.left += groups


class Owner:
    """A connection."""

    encoding = LINES

    def write(self, data: bytes) -> None:
        """Take bytes."""

    def trust_changed(self, subscription: Subscription, *, is_sure: bool) -> None:
        """Be told whether the server is sure."""
        self.states = [*getattr(self, "states", []), is_sure]

    def state_lost(self, subscription: Subscription) -> None:
        """Be told."""


@pytest_asyncio.fixture
async def shards(redis_url: str) -> AsyncIterator[AsyncShards]:
    """A real Redis for the streams."""
    shards = AsyncShards([redis_url])
    yield shards
    await shards.close()


@pytest_asyncio.fixture
async def members(shards: AsyncShards) -> AsyncIterator[Membership]:
    """No channels yet."""
    tasks = Tasks()
    yield Membership(Streams(shards), NAMESPACES, tasks, Certainty())
    await tasks.stop()


async def test_many_at_once_are_one_join(members: Membership) -> None:
    """A page that a thousand people open costs one membership."""
    groups = Groups()
    channels = await asyncio.gather(*(members.live("p:a", groups) for _ in range(100)))

    assert groups.joined == [group_for("p:a")]
    assert {id(channel) for channel in channels} == {id(members.channels["p:a"])}
    assert channels[0].position.epoch
    assert channels[0].is_live


async def test_channel_without_history_asks_no_stream(members: Membership) -> None:
    """It has no position."""
    channel = await members.live("live:a", Groups())

    assert channel.is_live
    assert channel.position.epoch == ""


async def test_failed_join_leaves_nothing(members: Membership) -> None:
    """Everybody who waited hears of it; the next one tries again."""

    def fail() -> None:
        raise RedisUnavailable("away")

    groups = Groups()
    groups.fail = fail
    outcomes = await asyncio.gather(*(members.live("p:a", groups) for _ in range(3)), return_exceptions=True)
    await asyncio.sleep(0)
    left = list(groups.left)
    empty = not members.channels and not members.by_group
    groups.fail = lambda: None
    channel = await members.live("p:a", groups)

    assert [type(outcome) for outcome in outcomes] == [RedisUnavailable] * 3
    assert (left, empty) == ([group_for("p:a")], True)
    assert channel.is_live


async def test_one_failure_is_not_the_end(members: Membership) -> None:
    """A join is tried more than once."""
    groups = Groups()
    failures = iter([RedisUnavailable("away")])

    def fail() -> None:
        for failure in failures:
            raise failure

    groups.fail = fail

    assert (await members.live("p:a", groups)).is_live
    assert groups.joined == [group_for("p:a")] * 2


async def test_who_gives_up_does_not_stop_the_others(members: Membership) -> None:
    """The join goes on for whoever still waits."""
    groups = Groups()
    impatient, patient = (asyncio.create_task(members.live("p:a", groups)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()

    assert (await patient).is_live
    assert len(groups.joined) == 1


async def test_channel_is_left_after_a_while_without_subscribers(
    members: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that is reloaded finds the membership still there."""
    monkeypatch.setattr(membership, "LINGER_SECONDS", 0.05)
    groups = Groups()
    busy, idle = await members.live("p:busy", groups), await members.live("p:idle", groups)
    busy.add(Subscription(Owner(), "p:busy"))
    await members.leave_idle(groups)
    early = list(members.channels)
    await asyncio.sleep(0.06)
    await members.leave_idle(groups)

    assert early == ["p:busy", "p:idle"]
    assert list(members.channels) == ["p:busy"]
    assert groups.left == [idle.group]
    assert list(members.by_group) == [busy.group]


def empty(members: Membership, channel: LiveChannel, groups: Groups) -> None:
    """Have somebody come to *channel*, and go."""
    visit = Subscription(Owner(), channel.name)
    channel.add(visit)
    channel.remove(visit)
    members.emptied(channel, groups)


async def test_channels_that_anybody_could_name_do_not_pile_up(
    members: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each costs Redis a subscription: of those to which nobody published only the last linger."""
    monkeypatch.setattr(membership, "MAX_SILENT", 2)
    groups = Groups()
    names = [f"{namespace}:{number}" for namespace in ("p", "live") for number in range(3)]
    channels = [await members.live(name, groups) for name in names]
    for channel in channels:
        empty(members, channel, groups)
    await asyncio.sleep(0.05)

    assert list(members.channels) == names[-2:]
    assert groups.left == [channel.group for channel in channels[:-2]]


async def test_channels_with_publications_all_linger(members: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may publish made them, and their subscribers come back."""
    monkeypatch.setattr(membership, "MAX_SILENT", 0)
    groups = Groups()
    stream, live = await members.live("p:a", groups), await members.live("live:a", groups)
    stream.take(Publication("p:a", b"1", offset=1, epoch=stream.position.epoch))
    live.take(Publication("live:a", b"1"))
    for channel in (stream, live):
        empty(members, channel, groups)
    await asyncio.sleep(0.05)

    assert list(members.channels) == ["p:a", "live:a"]


async def test_silent_channel_stays_while_somebody_is_coming(
    members: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The subscriptions of a token begin together: none may be left while the others are prepared."""
    monkeypatch.setattr(membership, "MAX_SILENT", 0)
    groups = Groups()
    channel = await members.live("p:a", groups)
    channel.holders += 1
    empty(members, channel, groups)
    await members.leave_idle(groups)
    while_held = list(members.channels)
    channel.holders -= 1
    members.emptied(channel, groups)

    assert while_held == ["p:a"]
    assert not members.channels


async def test_silent_channel_whose_first_subscriber_went_away_is_no_exception(
    members: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody ever was in it, so nobody left it."""
    monkeypatch.setattr(membership, "MAX_SILENT", 0)
    monkeypatch.setattr(membership, "FIRST_CHECK_SECONDS", 0.0)
    groups = Groups()
    await members.live("p:a", groups)
    await asyncio.sleep(0.01)
    await members.leave_idle(groups)

    assert not members.channels


async def test_channel_that_is_left_for_two_reasons_is_left_once(
    members: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody was in it for long, and too many such linger."""
    monkeypatch.setattr(membership, "MAX_SILENT", 0)
    for name in ("FIRST_CHECK_SECONDS", "LINGER_SECONDS"):
        monkeypatch.setattr(membership, name, 0.0)
    groups = Groups()
    channels = [await members.live(name, groups) for name in ("p:a", "p:b")]
    await asyncio.sleep(0.01)
    await members.leave_idle(groups)

    assert groups.left == [channel.group for channel in channels]
    assert not members.channels


async def test_few_joins_are_under_way_at_once(members: Membership) -> None:
    """And those that nobody waits for any more are left out, and hold nothing until it would be their turn."""
    groups = Groups()
    staying = [asyncio.create_task(members.live(f"p:{number}", groups)) for number in range(MAX_JOINS)]
    leaving = [asyncio.create_task(members.live(f"p:gone.{number}", groups)) for number in range(20)]
    last = asyncio.create_task(members.live("p:last", groups))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    begun = len(groups.joined)
    for task in leaving:
        task.cancel()
    await asyncio.gather(*staying, last)
    await asyncio.gather(members.live("p:gone.1", groups))

    assert begun == MAX_JOINS
    assert groups.joined[MAX_JOINS:] == [group_for("p:last"), group_for("p:gone.1")]
