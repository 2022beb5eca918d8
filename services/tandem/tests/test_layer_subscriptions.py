"""What a connection must be subscribed to: decided without a connection."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tandem.layer.subscriptions import Subscriptions


def subscribed(*names: bytes) -> Subscriptions:
    """Return subscriptions in which *names* are confirmed."""
    subscriptions = Subscriptions()
    for name in names:
        subscriptions.want(name)
    subscriptions.changes()
    for name in names:
        subscriptions.answer(name)
    return subscriptions


def test_confirmed_when_answered() -> None:
    """Wanted is not asked for, and asked for is not confirmed."""
    subscriptions = Subscriptions()

    subscriptions.want(b"a")
    assert not subscriptions.is_confirmed(b"a")
    assert subscriptions.changes() == ([b"a"], [])
    assert not subscriptions.is_confirmed(b"a")
    assert subscriptions.answer(b"a")
    assert subscriptions.is_confirmed(b"a")
    assert subscriptions.changes() == ([], [])


def test_change_of_mind_in_one_turn_says_nothing() -> None:
    """Wanted and dropped before Redis was told: Redis is not told."""
    subscriptions = subscribed(b"kept")

    subscriptions.want(b"new")
    subscriptions.drop(b"new")
    subscriptions.drop(b"kept")
    subscriptions.want(b"kept")

    assert subscriptions.changes() == ([], [])
    assert subscriptions.is_confirmed(b"kept")


def test_dropped_while_the_subscribe_is_in_flight() -> None:
    """The answer to the first SUBSCRIBE does not confirm a name that was dropped and wanted again since."""
    subscriptions = Subscriptions()
    subscriptions.want(b"a")
    subscriptions.changes()

    subscriptions.drop(b"a")
    assert subscriptions.changes() == ([], [b"a"])
    subscriptions.want(b"a")
    assert subscriptions.changes() == ([b"a"], [])

    assert [subscriptions.answer(b"a") for _ in range(3)] == [False, False, True]
    assert subscriptions.is_confirmed(b"a")


def test_waiter_is_called_once_when_the_last_name_is_confirmed() -> None:
    """Several names, one call."""
    subscriptions = subscribed(b"old")
    calls: list[str] = []
    subscriptions.want(b"a")
    subscriptions.want(b"b")
    subscriptions.wait([b"a", b"b", b"old"], lambda: calls.append("done"))
    subscriptions.changes()

    subscriptions.answer(b"a")
    assert calls == []
    subscriptions.answer(b"b")
    assert calls == ["done"]


def test_nothing_to_wait_for() -> None:
    """Names that are confirmed already need no waiter."""
    assert subscribed(b"a").wait([b"a"], lambda: None) is None


def test_dropping_a_name_lets_its_waiters_go() -> None:
    """Nobody waits for what nobody wants."""
    subscriptions = Subscriptions()
    calls: list[str] = []
    subscriptions.want(b"a")
    subscriptions.wait([b"a"], lambda: calls.append("done"))

    subscriptions.drop(b"a")

    assert calls == ["done"]


def test_waiters_survive_a_reconnect() -> None:
    """After a loss everything wanted is asked for again, and who waited is called then."""
    subscriptions = subscribed(b"old")
    calls: list[str] = []
    subscriptions.want(b"new")
    subscriptions.wait([b"new"], lambda: calls.append("done"))
    subscriptions.changes()

    subscriptions.reset()
    assert not subscriptions.is_confirmed(b"old")
    subscribe, unsubscribe = subscriptions.changes()
    assert (sorted(subscribe), unsubscribe) == ([b"new", b"old"], [])
    subscriptions.answer(b"new")

    assert calls == ["done"]


def test_who_gave_up_is_not_called() -> None:
    """A waiter that stopped waiting is forgotten, and with it every trace of it."""
    subscriptions = Subscriptions()
    calls: list[str] = []
    subscriptions.want(b"a")
    waiter = subscriptions.wait([b"a"], lambda: calls.append("done"))
    assert waiter is not None
    subscriptions.changes()

    subscriptions.stop_waiting(waiter)
    subscriptions.answer(b"a")

    assert calls == []
    assert subscriptions._waiters == {}


NAMES = st.sampled_from([b"a", b"b", b"c"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["want", "drop"]), NAMES),
        st.tuples(st.sampled_from(["tell", "answer", "lose"]), st.none()),
    ),
    max_size=60,
)


@given(STEPS)
def test_agrees_with_a_redis(steps: list[tuple[str, bytes | None]]) -> None:
    """Whatever the order of events: confirmed is only what Redis has, and in the end Redis has what is wanted."""
    subscriptions, wanted = Subscriptions(), set[bytes]()
    redis, commands = set[bytes](), list[tuple[bool, bytes]]()

    def tell() -> None:
        subscribe, unsubscribe = subscriptions.changes()
        commands.extend([(True, name) for name in subscribe] + [(False, name) for name in unsubscribe])

    def answer() -> None:
        is_subscribe, name = commands.pop(0)
        (redis.add if is_subscribe else redis.discard)(name)
        subscriptions.answer(name)

    for step, name in [*steps, ("tell", None)]:
        if step == "want" and name:
            subscriptions.want(name)
            wanted.add(name)
        elif step == "drop" and name:
            subscriptions.drop(name)
            wanted.discard(name)
        elif step == "tell":
            tell()
        elif step == "answer" and commands:
            answer()
        elif step == "lose":
            subscriptions.reset()
            redis.clear()
            commands.clear()
        confirmed = {each for each in (b"a", b"b", b"c") if subscriptions.is_confirmed(each)}
        assert confirmed <= redis
    while commands:
        answer()

    assert redis == wanted
    assert all(subscriptions.is_confirmed(each) for each in wanted)
    assert not subscriptions._unanswered
