"""What of Socket.IO's packets the generator speaks."""

from __future__ import annotations

from loadgen import messages, socketio


def test_coming_in() -> None:
    """Connect, ask for a room, be told: in the generator's words connect and subscribe."""
    assert socketio.connect() == b"40"
    assert socketio.reply(b'40{"sid":"a"}') == {"connect": {}}
    assert socketio.subscribe("public:a") == b'421["join","public:a"]'
    assert socketio.reply(b"431[]") == {"subscribe": {}}


def test_what_is_said_before_is_passed_over() -> None:
    """Engine.IO's handshake is no reply; its ping is answered with a pong."""
    assert socketio.reply(b'0{"sid":"a","pingInterval":25000}') == {}
    assert socketio.is_ping(b"2")
    assert socketio.PING == b"3"


def test_refused() -> None:
    """A namespace that refuses is an error."""
    assert socketio.reply(b'44{"message":"no"}') == {"error": {"code": 0, "message": '44{"message":"no"}'}}


def test_a_publication() -> None:
    """An event has stamp and number, no offset."""
    event = b'42["publication",%s]' % messages.body(10**18 + 5, 7, 64)

    assert socketio.is_publication(event)
    assert socketio.read(event) == messages.Seen(10**18 + 5, 7, 0)
    assert list(socketio.split(event)) == [event]
    assert socketio.is_one_publication(event, bare=False)
    assert not socketio.is_one_publication(b"421[]", bare=False)
