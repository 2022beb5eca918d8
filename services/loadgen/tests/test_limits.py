"""Files and addresses for many sockets."""

from __future__ import annotations

import pytest

from loadgen.limits import PORTS_PER_ADDRESS, TooManyClients, is_bearable, raise_file_limit, source_address


def test_source_addresses_follow_the_ports() -> None:
    """On loopback each 27,000 clients get the next address; elsewhere the host chooses."""
    addresses = [source_address(index, "127.0.0.1") for index in (0, PORTS_PER_ADDRESS, 250 * PORTS_PER_ADDRESS)]

    assert addresses == [None, "127.0.0.2", "127.0.1.1"]
    assert source_address(PORTS_PER_ADDRESS, "10.0.0.1") is None


def test_too_many_clients() -> None:
    """More sockets than the system allows is refused with the ways out."""
    with pytest.raises(TooManyClients, match=r"run several shards \(--shards, --shard\)"):
        raise_file_limit(2**31)


def test_what_is_bearable() -> None:
    """A handful of sockets is, more than the system allows is not."""
    assert is_bearable(10)
    assert not is_bearable(2**31)
