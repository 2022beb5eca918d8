"""Who joins and leaves a channel, told to its members: at once, in a crowded one together after a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from tandem.publication import ClientInfo
from tandem_realtime.hub.channel import LiveChannel
from tandem_realtime.protocol.encodings import Encoding

CROWD = 20
"""With more members a channel is crowded: every join and leave is as many pushes."""
SECONDS = 1.0
"""How long what happens in a crowded channel waits. Who came and went meanwhile, or went and came back, is not told."""

_info_decoder = msgspec.json.Decoder(ClientInfo)


class News(NamedTuple):
    """A join or a leave; *info* says whose, as JSON."""

    kind: str
    info: bytes


class Attendance:
    """What is to be told of comings and goings. *flush* writes what must go out before."""

    def __init__(self, flush: Callable[[], None]) -> None:
        self._flush = flush
        self._waiting: dict[LiveChannel, dict[str, News]] = {}

    def tell(self, channel: LiveChannel, news: News) -> None:
        """Tell the members of *channel*, now or soon. Raises `ValueError` for what is not a client's info."""
        try:
            client = _info_decoder.decode(news.info).client
        except msgspec.MsgspecError as error:
            raise ValueError(f"a {news.kind} of nobody: {error}") from error
        waiting = self._waiting.get(channel)
        if waiting is None and len(channel.members) <= CROWD:
            self._write(channel, {client: news})
            return
        if waiting is None:
            waiting = self._waiting[channel] = {}
            asyncio.get_running_loop().call_later(SECONDS, self._tell_all, channel)
        before = waiting.pop(client, None)
        if before is None or before.kind == news.kind:
            waiting[client] = news

    def _tell_all(self, channel: LiveChannel) -> None:
        if waiting := self._waiting.pop(channel):
            self._write(channel, waiting)

    def _write(self, channel: LiveChannel, told: dict[str, News]) -> None:
        self._flush()
        pushes: dict[Encoding, dict[str, bytes]] = {}
        whole: dict[Encoding, bytes] = {}
        for subscription in list(channel.members):
            encoding = subscription.owner.encoding
            if encoding not in pushes:
                pushes[encoding] = dict(_encoded(channel, told, encoding))
                whole[encoding] = b"".join(pushes[encoding].values())
            # Of its own coming a client has been told where it came.
            own = told.get(subscription.member)
            if own is None or own.kind != "join":
                subscription.owner.write(whole[encoding])
            elif others := whole[encoding].replace(pushes[encoding][subscription.member], b"", 1):
                subscription.owner.write(others)


def _encoded(channel: LiveChannel, told: dict[str, News], encoding: Encoding) -> Iterable[tuple[str, bytes]]:
    for client, news in told.items():
        yield client, encoding.wrap(encoding.dialect.push_membership(news.kind, channel.name, news.info))
