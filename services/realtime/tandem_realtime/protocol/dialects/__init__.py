"""What a connection speaks: the same commands, answers and pushes in JSON or in Protobuf. No I/O in this folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from tandem.publication import Publication
from tandem_realtime.protocol.codes import Disconnect, Error, Unsubscribed
from tandem_realtime.protocol.commands import Command
from tandem_realtime.protocol.results import SubscribeResult


class Dialect(Protocol):
    """
    One way to say it all. `json` and `protobuf` of this folder are two.

    What they make are whole messages, which a transport frames; those of one frame stand one behind the other.
    """

    PING: bytes

    def decode_frame(self, frame: bytes | str, /) -> Iterator[Command]:
        """Read the commands of a frame. Raises `DisconnectClient` (3501) for what is not a command."""

    def encode_reply(self, id: int, method: str, result: Any, /) -> bytes:
        """Encode the answer to the command *id*."""

    def reply_pieces(self, id: int, method: str, result: Any, /) -> list[bytes]:
        """Encode the same in pieces, of which the data of each publication may be one."""

    def encode_error(self, id: int, error: Error, /) -> bytes:
        """Encode the failure of the command *id*."""

    def push_publication(self, publication: Publication, /) -> bytes:
        """Encode the push of a publication."""

    def push_pieces(self, publication: Publication, /) -> list[bytes]:
        """Encode the same in pieces, of which the data may be one."""

    def push_whole(self, publication: Publication, /) -> bytes:
        """Encode the push of all of a publication to a subscription that takes deltas."""

    def push_delta(self, publication: Publication, delta: bytes, /) -> bytes:
        """Encode the push of a publication as what differs from the one that the subscription had before."""

    def push_subscribe(self, channel: str, result: SubscribeResult, /) -> bytes:
        """Tell a client that the server subscribed it."""

    def push_unsubscribe(self, channel: str, why: Unsubscribed, /) -> bytes:
        """Tell a client that the server ended one of its subscriptions."""

    def push_membership(self, kind: str, channel: str, info: bytes, /) -> bytes:
        """Tell a client that somebody came to the channel (*kind* ``join``) or went (``leave``); *info* is JSON."""

    def push_refresh(self, ttl: int, /) -> bytes:
        """Tell a client that its connection now runs out in *ttl* seconds, 0 for never."""

    def push_message(self, data: bytes, /) -> bytes:
        """Tell a client something (JSON) that belongs to no channel."""

    def push_disconnect(self, why: Disconnect, /) -> bytes:
        """Tell a client on an HTTP transport why its connection ends."""
