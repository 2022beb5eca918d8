"""An adversary, anonymous and at full speed: the others go on, and afterwards nothing of it is left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rig.adversary.honest import Honest
from rig.adversary.report import HEAD, LINES_A_MINUTE, MEGABYTE, grown
from rig.adversary.scripts import Attack
from rig.adversary.siege import Siege, besiege, options_of
from rig.adversary.table import ATTACKS
from rig.adversary.victim import Victim

CLIENTS, PER_SECOND, SECONDS = 100, 10.0, 1.0
SIZE = 20_000
P99_MS = 6000.0
"""What a busy machine keeps: an attack that starves the others takes more. The long form has the promise."""
MEMORY, REDIS_MEMORY = 150 * MEGABYTE, 16 * MEGABYTE
"""By how much a process may have grown: what Python and the C library keep for the next time."""
SHORT = [attack for attack in ATTACKS.values() if attack.few]


@pytest.fixture(scope="module")
def siege(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    """One process that is attacked in every way, one after the other, and those who listen meanwhile."""
    with (
        Victim(tmp_path_factory.mktemp("victim"), size=SIZE) as victim,
        Honest(victim.address, CLIENTS, per_second=PER_SECOND) as honest,
    ):
        yield Siege(victim, honest, seconds=SECONDS, is_short=True)


@pytest.mark.parametrize("attack", SHORT, ids=[attack.name for attack in SHORT])
def test_others_go_on_and_nothing_is_left(siege: Siege, attack: Attack) -> None:
    """Everything that is published arrives, in time; then memory is bounded, gauges and descriptors are as before."""
    found = siege.attack(attack)

    assert found.failures == {}
    assert found.p99 < P99_MS
    assert found.is_settled, found.unsettled
    assert found.after.sizes["realtime"] - siege.begun.sizes["realtime"] < MEMORY
    assert found.after.sizes["Redis"] - siege.begun.sizes["Redis"] < REDIS_MEMORY
    assert found.after.log_lines - found.before.log_lines <= LINES_A_MINUTE
    assert found.done["opened"]


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ([90, 102, 107, 109], []),
        ([90, 102, 106, 110], ["it grows on, from 102.0 to 110.0 MiB"]),
        ([90, 102, 108, 108], ["it grew again, from 102.0 to 108.0 MiB"]),
        ([90, 219, 219, 219], ["it grew to 219.0 MiB"]),
    ],
)
def test_room_that_is_kept_is_told_from_growth(weights: list[int], told: list[str]) -> None:
    """A round adds a twentieth to the one before at most, further ones less and less: steady growth is told."""
    assert grown("it", [weight * MEGABYTE for weight in weights]) == told


@pytest.mark.slow
@pytest.mark.parametrize("way", [[], ["--edge"]], ids=["straight", "through the edge"])
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_siege(attack: Attack, way: list[str]) -> None:
    """What is promised, with a thousand honest clients and a core for the servers: median of three."""
    report = besiege(attack, options_of(way))

    print(HEAD, report.line(), sep="\n")
    assert report.broken == []
