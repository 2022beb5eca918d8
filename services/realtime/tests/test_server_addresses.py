"""Who is counted together, and who is spared, without connections."""

from __future__ import annotations

import pytest

from tandem_realtime.server.addresses import (
    USUAL_CONNECTIONS,
    USUAL_HANDSHAKES_PER_SECOND,
    Addresses,
    is_surely_one_client,
    site_of,
)


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nonsense", "nonsense"),
    ],
)
def test_what_counts_as_one(address: str, site: str) -> None:
    """Of IPv6 whoever has one address has 2^64 of them."""
    assert site_of(address) == site


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        *(("8.8.8.8", True), ("2a00:1450::1", True), ("::ffff:8.8.8.8", True)),
        *(("127.0.0.1", False), ("10.1.2.3", False), ("::1", False), ("fd00::1", False), ("", False), ("x", False)),
    ],
)
def test_private_address_may_be_a_proxy(address: str, is_one: bool) -> None:
    """One that nobody told us of: all the world comes from it."""
    assert is_surely_one_client(address) is is_one


def test_usual_limits_spare_who_may_be_a_proxy() -> None:
    """They hold for public addresses, and for what a trusted proxy tells."""
    addresses = Addresses(None, None)
    for address in ("8.8.8.8", "10.0.0.1"):
        for _ in range(USUAL_CONNECTIONS):
            addresses.enter(address)

    assert addresses.is_full("8.8.8.8", is_told=False)
    assert addresses.is_full("10.0.0.1", is_told=True)
    assert not addresses.is_full("10.0.0.1", is_told=False)
    waits = {
        (address, is_told): sum(
            addresses.take(address, 5.0, is_told=is_told) > 0 for _ in range(int(USUAL_HANDSHAKES_PER_SECOND) + 1)
        )
        for address, is_told in (("8.8.8.8", False), ("10.0.0.1", False), ("10.0.0.2", True))
    }
    assert waits == {("8.8.8.8", False): 1, ("10.0.0.1", False): 0, ("10.0.0.2", True): 1}


def test_limits_that_were_set_hold_for_all() -> None:
    """Zero is none."""
    strict, open_ = Addresses(1, 1), Addresses(0, 0)
    for addresses in (strict, open_):
        addresses.enter("127.0.0.1")
        addresses.take("127.0.0.1", 5.0, is_told=False)

    assert strict.is_full("127.0.0.1", is_told=False)
    assert strict.take("127.0.0.1", 5.5, is_told=False) == pytest.approx(0.5)
    assert not open_.is_full("127.0.0.1", is_told=False)
    assert open_.take("127.0.0.1", 5.0, is_told=False) == 0


def test_who_leaves_makes_room_and_is_forgotten() -> None:
    """Nothing is kept of an address that has nothing."""
    addresses = Addresses(1, 1)
    site = addresses.enter("8.8.8.8")
    addresses.leave(site)
    addresses.leave("")

    assert not addresses.is_full("8.8.8.8", is_told=False)
    assert not addresses._counts


def test_many_addresses_are_not_kept_for_ever() -> None:
    """A bucket that is full again is as good as none."""
    addresses = Addresses(0, 1)
    for number in range(30_000):
        addresses.take(f"2001:db8:{number % 60_000:x}::1", number / 1000, is_told=True)

    assert len(addresses._buckets) <= 10_000
