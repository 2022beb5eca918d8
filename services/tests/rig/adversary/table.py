"""Every attack, by name."""

from __future__ import annotations

from loadgen.frames import PING, PONG, client_frame
from rig.adversary import bodies, crowds, frames, handshakes, names, readers
from rig.adversary.scripts import Attack

ATTACKS = {
    attack.name: attack
    for attack in (
        Attack("names", names.subscribed, sockets=20, few=10),
        Attack("names-polled", names.polled, sockets=20, few=10),
        Attack("names-streamed", names.streamed, sockets=20),
        Attack("empty-fragments", frames.flood(frames.EMPTY_FRAGMENT, after=frames.FIRST_FRAGMENT), few=1),
        Attack("one-byte-fragments", frames.flood(frames.IN_LETTERS)),
        Attack("pings", frames.flood(client_frame(b"ping", PING)), few=1),
        Attack("pings-of-many", frames.flood(client_frame(b"ping", PING)), sockets=100, few=20),
        Attack("pings-unread", frames.flood(client_frame(b"ping", PING)), sockets=10, reads=False),
        Attack("pongs", frames.flood(client_frame(b"", PONG))),
        Attack("blank-lines", frames.flood(frames.text(b"\n\n\n\n")), few=1),
        Attack("blank-pages", frames.flood(frames.text(b"\n" * 60_000))),
        Attack("empty-objects", frames.flood(frames.text(b"\n".join([b"{}"] * 1000)))),
        Attack("subscribes", frames.subscribes, sockets=10, few=5),
        Attack("publishes", frames.publishes, sockets=10, few=5),
        Attack("histories", frames.histories, sockets=4, few=4),
        Attack("half-open", handshakes.half_open, sockets=1000, few=200),
        Attack("silent", handshakes.silent, sockets=1000),
        Attack("dripped-headers", handshakes.dripped_headers, sockets=300, few=50),
        Attack("many-headers", handshakes.many_headers, sockets=10, few=10),
        Attack("many-headers-of-a-request", handshakes.many_headers_of_a_request, sockets=10),
        Attack("forged", handshakes.forged, sockets=10, few=10),
        Attack("refused-tokens", handshakes.refused, sockets=10, few=5),
        Attack("unknown", handshakes.unknown, sockets=10),
        Attack("endless-bodies", bodies.endless, sockets=8, few=4),
        Attack("huge-bodies", bodies.huge, sockets=8),
        Attack("dripped-bodies", bodies.dripped, sockets=300, few=50),
        Attack("non-readers", readers.of_a_history, sockets=30, few=30, reads=False),
        Attack("non-readers-over-http", readers.of_a_history_over_http, sockets=30, few=10, reads=False),
        Attack("polls-unread", readers.of_polls, sockets=30, reads=False),
        Attack("answers-unread", readers.of_answers, sockets=30, reads=False),
        Attack("connections", crowds.connections, sockets=10_000, few=500),
        Attack("churn", crowds.churn, sockets=20, few=10),
        Attack("joins", crowds.joins, sockets=200, few=50),
        Attack("presence", crowds.members, sockets=200),
        Attack("arrivals", crowds.arrivals, sockets=200, few=30, kept=90),
    )
}
