"""What Tandem's keys in Redis are called. What is published, and to whom, is called in `groups`."""

from __future__ import annotations

from functools import cache

from tandem import conf


def key_of(kind: str, channel: str) -> str:
    """Return the key of that *kind* for *channel*."""
    return f"{conf.key_prefix()}:{kind}:{{{channel}}}"


def plain_key(kind: str, name: str) -> str:
    """Return the key of that *kind* for what is no channel, but has a *name* of its own."""
    return f"{conf.key_prefix()}:{kind}:{name}"


def boot_keys(channel: str) -> tuple[str, str]:
    """Return the keys where *channel*'s Redis keeps which incarnation it is, and which streams were born in it."""
    return _boot_keys(conf.key_prefix())


@cache
def _boot_keys(prefix: str) -> tuple[str, str]:
    return f"{prefix}:boot", f"{prefix}:born"
