"""The server API: keys, envelope, errors, and what reaches Redis."""

from __future__ import annotations

import msgspec
import pytest
from django.test import Client
from pytest_django import Settings

from tandem import control, streams
from tandem.models import OutboxEntry
from tests.asking import ask, post

CHANNEL = "public:news"


@pytest.fixture(autouse=True)
def _namespaces(settings: Settings, project: None) -> None:
    """One namespace with everything, one with nothing."""
    namespaces = {"public": {"history_size": 300, "history_ttl": 3600, "presence": True}, "plain": {}}
    settings.TANDEM = {**settings.TANDEM, "namespaces": namespaces}


def published(channel: str = CHANNEL) -> list[bytes]:
    """The data in a stream, byte for byte."""
    return [each.data for each in streams.history(channel, limit=-1).publications]


@pytest.mark.parametrize("key", ["", "wrong", "new-ke", "new-key2", "\xe4"])
def test_wrong_key_is_401(key: str) -> None:
    """Nothing of the request is looked at."""
    answer = Client().post("/server/publish", b"{", content_type="application/json", headers={"X-API-Key": key})

    assert (answer.status_code, answer.json()) == (401, {"error": {"code": 101, "message": "unauthorized"}})


def test_every_key_opens() -> None:
    """Keys rotate: the old one and the new one are good at once."""
    assert ask("history", {"channel": CHANNEL}, "old-key").keys() == {"result"}
    assert ask("history", {"channel": CHANNEL}, "new-key").keys() == {"result"}


def test_no_key_is_set_and_nobody_enters(settings: Settings) -> None:
    """Without TANDEM_API_KEYS there is no server API."""
    settings.TANDEM = {**settings.TANDEM, "api_keys": []}

    assert Client().post("/server/info", headers={"X-API-Key": ""}).status_code == 401


def test_get_is_405() -> None:
    """The server API is POST only."""
    assert Client().get("/server/info").status_code == 405


@pytest.mark.parametrize(
    "data", [b'{"b":1,"a":[1.0,1e2,12345678901234567890123],"\\u00e4":"\xc3\xa4"}', b"null", b'""']
)
def test_data_passes_byte_for_byte(data: bytes) -> None:
    """Neither order nor numbers nor escapes change."""
    ask("publish", b'{"channel":"public:news","data":%s}' % data)

    assert published() == [data]


def test_line_breaks_between_values_go() -> None:
    """A line is a message on the wire; breaks inside strings are escaped and stay."""
    ask("publish", b'{"channel":"public:news","data":{\r\n  "a": "x\\ny"\n}}')

    assert published() == [b'{"a":"x\\ny"}']


def test_publish_tells_the_position() -> None:
    """Offset and epoch of the publication; tags and all."""
    first = ask("publish", {"channel": CHANNEL, "data": 1, "tags": {"k": "v"}})["result"]
    second = ask("publish", {"channel": CHANNEL, "data": 2})["result"]
    found = ask("history", {"channel": CHANNEL, "limit": 10})["result"]

    assert (first["offset"], second["offset"], first["epoch"] == second["epoch"]) == (1, 2, True)
    assert found == {
        "publications": [{"data": 1, "offset": 1, "tags": {"k": "v"}}, {"data": 2, "offset": 2}],
        "epoch": first["epoch"],
        "offset": 2,
    }


def test_idempotency_key_publishes_once() -> None:
    """The second answer is the first one."""
    body = {"channel": CHANNEL, "data": 1, "idempotency_key": "k"}

    assert ask("publish", body) == ask("publish", body)
    assert len(published()) == 1


def test_skip_history_leaves_no_trace() -> None:
    """Those who are connected get it; the stream does not."""
    ask("publish", {"channel": CHANNEL, "data": 1, "skip_history": True})

    assert published() == []


def test_broadcast_answers_each_channel() -> None:
    """One bad channel does not keep the others from being told."""
    channels = ["public:a", "nowhere:b", "public:c", "sp ace", "plain:d"]
    responses = ask("broadcast", {"channels": channels, "data": {"n": 1}})["result"]["responses"]

    assert [response.get("error", {}).get("code", 0) for response in responses] == [0, 102, 0, 107, 0]
    assert responses[4] == {"result": {"offset": 0, "epoch": ""}}
    assert (published("public:a"), published("public:c")) == ([b'{"n":1}'], [b'{"n":1}'])


def test_history_pages_in_both_directions() -> None:
    """From a position on, so many; without a limit only the position."""
    for number in range(1, 6):
        ask("publish", {"channel": CHANNEL, "data": number})
    position = ask("history", {"channel": CHANNEL})["result"]
    since = {"epoch": position["epoch"], "offset": 3}

    def offsets(**more: object) -> list[int]:
        result = ask("history", {"channel": CHANNEL, **more})["result"]
        return [each["offset"] for each in result["publications"]]

    assert (position["publications"], position["offset"]) == ([], 5)
    assert offsets(limit=2) == [1, 2]
    assert offsets(limit=2, reverse=True) == [5, 4]
    assert offsets(limit=10, since=since) == [4, 5]
    assert offsets(limit=10, since=since, reverse=True) == [2, 1]
    assert offsets(limit=-1) == [1, 2, 3, 4, 5]


def test_history_remove_keeps_the_position() -> None:
    """The publications go; the offset stays, so that a reader notices."""
    ask("publish", {"channel": CHANNEL, "data": 1})

    assert ask("history_remove", {"channel": CHANNEL}) == {"result": {}}
    assert ask("history", {"channel": CHANNEL, "limit": 5})["result"]["offset"] == 1
    assert published() == []


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("subscribe", {"user": "42", "channel": CHANNEL}),
        ("unsubscribe", {"user": "42", "channel": CHANNEL}),
        ("disconnect", {"user": "42", "disconnect": {"code": 4000, "reason": "bye"}}),
        ("disconnect", {"user": "", "client": "c"}),
        ("refresh", {"user": "42", "expire_at": 2_000_000_000}),
        ("presence_stats", {"channel": CHANNEL}),
    ],
)
def test_method_answers(method: str, body: dict[str, object]) -> None:
    """Each method that changes connections answers as soon as Redis has it."""
    assert "result" in ask(method, body)


@pytest.mark.parametrize(
    ("method", "body", "code"),
    [
        ("publish", b"", 107),
        ("publish", b"[]", 107),
        ("publish", b"\xff", 107),
        ("publish", b'{"channel":"public:a","data":"\xff"}', 107),
        ("publish", b'{"channel":"public:a","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 107),
        ("publish", {"channel": CHANNEL}, 107),
        ("publish", {"data": 1}, 107),
        ("publish", {"channel": 1, "data": 1}, 107),
        ("publish", {"channel": "", "data": 1}, 107),
        ("publish", {"channel": "x" * 256, "data": 1}, 107),
        ("publish", {"channel": "public:ä", "data": 1}, 107),
        ("publish", {"channel": "nowhere:a", "data": 1}, 102),
        ("publish", {"channel": CHANNEL, "data": 1, "idempotency_key": "x" * 256}, 107),
        ("publish", {"channel": CHANNEL, "data": 1, "tags": {"a": 1}}, 107),
        ("history", {"channel": "plain:a", "limit": 1}, 108),
        ("history", {"channel": CHANNEL, "limit": 1, "since": {"epoch": "other", "offset": 0}}, 112),
        ("history", {"channel": CHANNEL, "limit": 1, "since": {"epoch": "x", "offset": -1}}, 107),
        ("history", {"channel": CHANNEL, "limit": 1, "since": {"epoch": "x", "offset": 2**63 - 1}}, 107),
        ("history_remove", {"channel": "plain:a"}, 108),
        ("presence", {"channel": "plain:a"}, 108),
        ("presence_stats", {"channel": "nowhere:a"}, 102),
        ("subscribe", {"user": "42", "channel": "nowhere:a"}, 102),
        ("unsubscribe", {"channel": CHANNEL}, 107),
        ("disconnect", {"user": ""}, 107),
        ("disconnect", {"user": "42", "disconnect": {"code": 1000, "reason": ""}}, 107),
        ("disconnect", {"user": "42", "disconnect": {"code": 4000, "reason": "x" * 124}}, 107),
        ("refresh", {}, 107),
        ("batch", {}, 107),
        ("batch", {"commands": [1]}, 107),
        ("rpc", {}, 104),
        ("channels", {"pattern": 1}, 107),
    ],
)
def test_bad_request_is_told_by_its_code(method: str, body: object, code: int) -> None:
    """An error is an answer like any other, and nothing was published."""
    assert ask(method, body)["error"]["code"] == code
    assert published() == []


@pytest.mark.parametrize(
    ("method", "body", "why"),
    [
        ("publish", {"channel": CHANNEL, "b64data": "AA=="}, "data in base64 has to be JSON"),
        ("publish", {"channel": CHANNEL, "b64data": "{}"}, "data in base64 has to be JSON"),
        ("publish", {"channel": CHANNEL, "data": 1, "b64data": "MQ=="}, "data and b64data are two of one"),
        ("publish", {"channel": CHANNEL, "data": 1, "version": 2**64}, "a version is 1 to 2**64 - 1"),
        ("publish", {"channel": CHANNEL, "data": 1, "version": -1}, "a version is 1 to 2**64 - 1"),
        ("publish", {"channel": CHANNEL, "data": 1, "version_epoch": "a"}, "version_epoch needs a version"),
        ("publish", {"channel": CHANNEL, "data": 1, "version": 1, "skip_history": True}, "there is none"),
        ("subscribe", {"user": "42", "channel": CHANNEL, "b64data": "AA=="}, "has to be JSON"),
        ("subscribe", {"user": "42", "channel": CHANNEL, "b64info": "AA=="}, "has to be JSON"),
        ("subscribe", {"user": "42", "channel": CHANNEL, "override": {"presence": {}}}, "presence is true in the"),
        ("subscribe", {"user": "42", "channel": CHANNEL, "override": {"join_leave": {"value": True}}}, "is false in"),
    ],
)
def test_field_that_would_mean_something_else_is_refused(method: str, body: dict[str, object], why: str) -> None:
    """Rather than ignored: the caller would believe that it was done."""
    refused = ask(method, body)
    [in_batch] = ask("batch", {"commands": [{method: body}]})["replies"]

    assert refused["error"]["code"] == 107
    assert why in refused["error"]["message"]
    assert in_batch == refused
    assert published() == []


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("publish", {"data": 1, "b64data": None, "version": None, "version_epoch": None}),
        ("publish", {"b64data": "eyJhIjogMX0="}),
        ("broadcast", {"b64data": "eyJhIjogMX0=", "version": 7, "version_epoch": "a"}),
        ("subscribe", {"user": "42", "b64data": "MQ==", "b64info": "MQ==", "expire_at": 2_000_000_000}),
        ("subscribe", {"user": "42", "b64data": "", "override": {"presence": {"value": True}, "force_recovery": {}}}),
        ("subscribe", {"user": "42", "expire_at": None, "override": None}),
    ],
)
def test_what_other_servers_take_is_taken(method: str, body: dict[str, object]) -> None:
    """JSON in base64, the end of a subscription, versions, and options that are the namespace's anyway."""
    whom = {"channels": [CHANNEL]} if method == "broadcast" else {"channel": CHANNEL}

    assert "result" in ask(method, {**whom, **body})


def test_outdated_version_is_not_published() -> None:
    """The answer tells where the stream stands."""
    asked = [(5, "a"), (4, "a"), (5, "a"), (6, "a"), (1, "b"), (2**64 - 1, "b"), (2**63, "b")]
    answers = [
        ask("publish", {"channel": CHANNEL, "data": number, "version": version, "version_epoch": epoch})["result"]
        for number, (version, epoch) in enumerate(asked)
    ]

    assert published() == [b"0", b"3", b"4", b"5"]
    assert [answer["offset"] for answer in answers] == [1, 1, 1, 2, 3, 4, 4]


@pytest.mark.parametrize(
    ("given", "told"), [(b'{"a": 1.0,\n"b":1e2}', b'{"a":1.0,"b":1e2}'), (b"null", b""), (b"0", b"0")]
)
def test_data_of_a_subscription_passes_byte_for_byte(redis_url: str, given: bytes, told: bytes) -> None:
    """To the processes, on one line; null is none."""
    ask("subscribe", b'{"user":"42","channel":"public:news","data":%s,"info":%s}' % (given, given))
    [publication] = streams.history(control.CHANNEL, limit=1).publications
    message = msgspec.json.decode(publication.data, type=control.Subscribe)

    assert (message.data, message.info) == (told, told)


def test_batch_answers_each_command_in_order() -> None:
    """Results under the method's name, errors under theirs; what can be done is done."""
    commands = [
        {"publish": {"channel": CHANNEL, "data": 1}},
        {"publish": {"channel": "nowhere:a", "data": 1}},
        {"publish": {"channel": CHANNEL, "data": 2}},
        {"history": {"channel": CHANNEL, "limit": 5}},
        {"publish": {}},
        {"fly": {}},
        {"publish": {"channel": CHANNEL, "data": 3}, "history": {"channel": CHANNEL}},
    ]
    replies = ask("batch", {"commands": commands, "parallel": False})["replies"]

    assert [next(iter(reply)) for reply in replies] == [
        *("publish", "error", "publish", "history", "error", "error", "error"),
    ]
    assert [reply["error"]["code"] for reply in replies if "error" in reply] == [102, 107, 104, 107]
    assert [each["data"] for each in replies[3]["history"]["publications"]] == [1, 2]


@pytest.mark.usefixtures("redis_down")
@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("publish", {"channel": CHANNEL, "data": 1}),
        ("history", {"channel": CHANNEL}),
        ("presence", {"channel": CHANNEL}),
        ("channels", {}),
        ("info", {}),
    ],
)
def test_redis_down_is_a_temporary_error(method: str, body: dict[str, object]) -> None:
    """503 and code 100: the same request may succeed later."""
    answer = post(method, body)

    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert answer.json() == {"error": {"code": 100, "message": "internal server error"}}


@pytest.mark.usefixtures("redis_down", "db")
def test_control_waits_for_redis() -> None:
    """Whom to end is not forgotten: a row that goes first."""
    answer = ask("disconnect", {"user": "42"})

    assert answer == {"result": {}}
    assert [*OutboxEntry.objects.values_list("channel", flat=True)] == [control.CHANNEL]


@pytest.mark.usefixtures("redis_down")
def test_redis_down_is_told_for_each_channel_of_a_broadcast() -> None:
    """None is left out."""
    responses = ask("broadcast", {"channels": ["public:a", "nowhere:b"], "data": 1})["result"]["responses"]

    assert [response["error"]["code"] for response in responses] == [100, 102]


@pytest.mark.usefixtures("redis_down")
@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("broadcast", {"channels": ["public:a", "public:b"], "data": 1}, 503),
        ("broadcast", {"channels": [], "data": 1}, 200),
        ("batch", {"commands": [{"publish": {"channel": "public:a", "data": 1}}]}, 503),
        ("batch", {"commands": [{"publish": {"channel": "public:a", "data": 1}}, {"fly": {}}]}, 200),
        ("batch", {"commands": []}, 200),
    ],
)
def test_who_has_something_to_read_in_the_answer_gets_200(method: str, body: dict[str, object], status: int) -> None:
    """503 only where Redis is why nothing was done, so that the whole request can be sent again."""
    assert post(method, body).status_code == status
