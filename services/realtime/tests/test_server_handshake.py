"""Heads of requests and of responses, without a socket."""

import pytest

from tandem_realtime.server.handshake import (
    BadHandshake,
    _read_any,
    _read_usual,
    acceptance,
    asks_for_websocket,
    build_scope,
    read_request,
    refusal,
)

HEAD = (
    b"GET /ws/%C3%A9?a=%20&b HTTP/1.1\r\nHost: h\r\nUPGRADE:  WebSocket \r\nConnection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Protocol: c\r\nX_Sneaky: 1\r\n\r\n"
)


def test_upgrade_is_seen_in_any_case() -> None:
    """Header names and the word websocket are read in any case; another upgrade is HTTP's affair."""
    assert asks_for_websocket(HEAD)
    assert not asks_for_websocket(HEAD.replace(b"WebSocket ", b"h2c "))
    assert not asks_for_websocket(b"GET /?upgrade:websocket HTTP/1.1\r\nHost: h\r\n\r\n")


def test_accept_key_is_that_of_the_rfc() -> None:
    """The example of RFC 6455, section 1.3."""
    assert read_request(HEAD)[1] == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_scope() -> None:
    """Path and query as ASGI wants them, subprotocols from all headers, no header with an underscore."""
    scope = build_scope(read_request(HEAD)[0], client=["192.0.2.1", 5], root_path="/r")
    headers = dict(scope.pop("headers"))

    assert scope == {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": "/ws/é",
        "raw_path": b"/ws/%C3%A9",
        "root_path": "/r",
        "query_string": b"a=%20&b",
        "client": ["192.0.2.1", 5],
        "subprotocols": ["a", "b", "c"],
    }
    assert headers[b"upgrade"] == b"WebSocket"
    assert b"x_sneaky" not in headers


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", []),
        (b" ", []),
        (b",", []),
        (b"centrifuge-json,", ["centrifuge-json"]),
        (b"a,,b", ["a", "b"]),
        (b"a b", ["a b"]),
        (b'"a"', ['"a"']),
    ],
)
def test_subprotocols_that_no_grammar_allows(value: bytes, expected: list[str]) -> None:
    """An empty header counts as none: a client of two years ago cannot do otherwise."""
    head = HEAD.replace(b"a, b\r\nSec-WebSocket-Protocol: c", value)

    assert build_scope(read_request(head)[0], client=None)["subprotocols"] == expected


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"HTTP/1.1", b"HTTP/1.0", 505),
        (b"GET", b"G\xff", 400),
        (b"Version: 13", b"Version: 8", 400),
        (b"Host: h", b"Content-Length: 5", 400),
        (b"keep-alive, Upgrade", b"close", 426),
    ],
)
def test_bad_requests(old: bytes, new: bytes, status: int) -> None:
    """What may not be upgraded gets a status that says so, whole and closing."""
    with pytest.raises(BadHandshake, match=f"^HTTP/1.1 {status} ") as caught:
        read_request(HEAD.replace(old, new))

    assert b"\r\nConnection: close\r\n" in caught.value.response


def test_acceptance() -> None:
    """The 101 carries the key, the subprotocol and the application's headers."""
    assert acceptance(b"key", "chat", [(b"set-cookie", b"a=b")]) == (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: key\r\nSec-WebSocket-Protocol: chat\r\nset-cookie: a=b\r\n\r\n"
    )


@pytest.mark.parametrize("header", [(b"Upgrade", b"x"), (b"x", b"a\r\nb: c"), (b"x\n", b"a")])
def test_acceptance_refuses_bad_headers(header: tuple[bytes, bytes]) -> None:
    """An application can neither break the handshake nor smuggle a header."""
    with pytest.raises(ValueError, match="cannot be set on a handshake"):
        acceptance(b"key", None, [header])


def test_refusal() -> None:
    """A refusal says how long it is, when to come back, and that it ends the connection."""
    head, _, body = refusal(503, "Later\n", retry_after=7).decode().partition("\r\n\r\n")
    lines = head.split("\r\n")

    assert lines[0] == "HTTP/1.1 503 Service Unavailable"
    assert {"Connection: close", "Retry-After: 7", "Content-Length: 6"} <= set(lines)
    assert body == "Later\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"", b""),
        (b"keep-alive, ", b""),
        (b"Host: h", b"Host:h\t"),
        (b"Host: h", b"Cookie: \xe9; a=b:c"),
        (b"/ws/", b"http://h/ws/"),
        (b"Host: h", b"Content-Length: 0"),
        (b"Host: h", b"Connection: close"),
        (b"keep-alive, Upgrade", b"close, x, upgrade"),
        *[(b"Host: h", name + b": 1\r\n" + name + b": 2") for name in (b"Origin", b"Upgrade", b"Cookie")],
        (b"Host: h", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        (b"Host: h", b"Sec-WebSocket-Version: 13"),
        (b"Host: h", b"Transfer-Encoding: chunked"),
        (b"Host: h", b"Content-Length: 5"),
        (b"Host: h", b"Host : h"),
        (b"Host: h", b"Host: h\r\n folded"),
        (b"Host: h", b"Host: \x00"),
        (b"Host: h", b"Host"),
        (b"Host: h\r\n", b"Host: h\n"),
        (b"Host: h\r\n", b"a: b\r\n" * 120),
        (b"Host: h\r\n", b"a: b\r\n" * 140),
        (b"Host: h", b"Host: " + b"h" * 8_200),
        (b"/ws/", b"/ws/ "),
        (b"/ws/", b"/\xff/"),
        (b"nonce", b"n"),
        (b"bm9uY2U=", b"bm9uY2U"),
        (b"bm9uY2U=", b"bm9u*2U="),
        (b"Version: 13", b"Version: 013"),
    ],
)
def test_what_one_expression_reads_is_what_websockets_reads(old: bytes, new: bytes) -> None:
    """A head is read in the usual way only where it is judged as `websockets` judges it, to the last header."""
    head = HEAD.replace(old, new)
    usual = _read_usual(head)
    try:
        judged = _read_any(head)
    except BadHandshake:
        judged = None

    assert usual in (None, judged)


def test_usual_heads_are_read_at_once() -> None:
    """The example, as browsers write theirs, is not left to `websockets`."""
    assert _read_usual(HEAD) == _read_any(HEAD)
    assert _read_usual(HEAD.replace(b"keep-alive, Upgrade", b"upgrade")) is not None
