"""One line of JSON an event, and nothing in it that should not be kept."""

import json
import subprocess
import sys
from typing import Any

import pytest

from rig.servers import SERVICES
from tandem.logs import hide_secrets, redact

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl"

SCRIPT = """
import logging, logging.config, structlog
from tandem.logs import logging_config
logging.config.dictConfig(logging_config("info"))
structlog.contextvars.bind_contextvars(request_id="r1")
structlog.get_logger("hub").info("delivered", channel="public:x", sockets=3, data={"secret": 1}, cookie="sessionid=abc")
logging.getLogger("channels").warning("connect failed: redis://:hunter2@redis:6379/0 and ?token=%s&x=1", "abc",
    extra={"shard": 2})
structlog.get_logger("hub").debug("not at this level")
logging.getLogger("tandem_realtime.connections").info("connection.opened", extra={"user": "7", "token": "hunter4",
    "reason": "at redis://:hunter2@redis with eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl and ?ticket=abc"})
try:
    secret_local = "hunter3"
    raise ValueError("bad " + "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl")
except ValueError:
    structlog.get_logger("hub").exception("broken")
"""


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    """What a process that logs in every way writes to stdout, but for the log of its connections."""
    return [line for line in _every_line() if line["logger"] != "tandem_realtime.connections"]


def _every_line() -> list[dict[str, Any]]:
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, cwd=SERVICES)
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_cheap_lines_are_of_the_same_form() -> None:
    """The log of the connections has one for each, so they are made another way; as little of a secret is in them."""
    [line] = [line for line in _every_line() if line["logger"] == "tandem_realtime.connections"]

    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "connection.opened",
        "level": "info",
        "logger": "tandem_realtime.connections",
        "user": "7",
        "token": "[hidden]",
        "reason": "at redis://:[hidden]@redis with [hidden] and ?ticket=[hidden]",
    }


def test_every_event_is_one_line_of_json(lines: list[dict[str, Any]]) -> None:
    """structlog and the standard library give the same form, with time, level, logger and request id."""
    assert [(line["level"], line["logger"], line["request_id"]) for line in lines] == [
        ("info", "hub", "r1"),
        ("warning", "channels", "r1"),
        ("error", "hub", "r1"),
    ]
    assert all(line["timestamp"].endswith("Z") for line in lines)


def test_no_secret_and_no_payload(lines: list[dict[str, Any]]) -> None:
    """Tokens, cookies, passwords and payloads are hidden, in fields, messages and tracebacks."""
    text = json.dumps(lines)

    assert lines[0]["sockets"] == 3
    assert lines[0]["data"] == lines[0]["cookie"] == "[hidden]"
    assert lines[1]["event"] == "connect failed: redis://:[hidden]@redis:6379/0 and ?token=[hidden]&x=1"
    assert lines[1]["shard"] == 2
    assert "ValueError: bad [hidden]" in lines[2]["exception"]
    assert not [secret for secret in ("hunter2", "eyJ", "sessionid=abc") if secret in text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Bearer {JWT}", "Bearer [hidden]"),
        ("GET /ws/sse/?channel=a&ticket=xyz HTTP/1.1", "GET /ws/sse/?channel=a&ticket=[hidden] HTTP/1.1"),
        ("GET /ws/sse?cf_connect=%7B%22id%22%7D&x=1", "GET /ws/sse?cf_connect=[hidden]&x=1"),
        ("rediss://user:pass@host:1/0", "rediss://user:[hidden]@host:1/0"),
        ("at 12:30:00 nothing@all", "at 12:30:00 nothing@all"),
    ],
)
def test_secrets_are_known_by_their_form(text: str, expected: str) -> None:
    """A secret inside a longer text is hidden; the rest stays readable."""
    assert hide_secrets(text) == expected


def test_containers_are_told_as_text() -> None:
    """A list or bytes could hold anything: it is told shortened and without secrets."""
    event = redact(None, "info", {"event": "x", "shards": ["redis://:pw@a/0"], "size": 3})

    assert event == {"event": "x", "shards": "['redis://:[hidden]@a/0']", "size": 3}
