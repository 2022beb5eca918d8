"""
Logs: JSON to stdout, one line an event, whoever writes it (structlog, or the standard library of Django and Twisted).

No token, cookie or payload reaches a line: see `redact`. Needs structlog, which the library itself does not.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog

HIDDEN = "[hidden]"
SECRET_FIELDS = frozenset(
    {
        *("authorization", "cookie", "cookies", "headers", "password", "secret", "session", "sessionid", "csrftoken"),
        *("token", "tokens", "ticket", "api_key", "key", "data", "payload", "body", "publication", "tags", "info"),
    }
)
_JWT = re.compile(r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
_SECRET_PARAMETER = re.compile(r"(?i)\b(token|ticket|cf_connect|api_key|sessionid|csrftoken|password)=[^&\s;\"']+")
_URL_PASSWORD = re.compile(r"(\w+://[^\s:/@]*):[^\s/@]+@")


def redact(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide what secrets and payloads are known to look like, by field name and by form. A structlog processor."""
    for name, value in event.items():
        if name.lower() in SECRET_FIELDS:
            event[name] = HIDDEN
        elif isinstance(value, str):
            event[name] = hide_secrets(value)
        elif isinstance(value, bytes | bytearray | memoryview | list | tuple | dict | set):
            event[name] = hide_secrets(repr(value)[:1024])
    return event


def hide_secrets(text: str) -> str:
    """Return *text* without JWTs, secret query parameters and passwords in URLs."""
    # Most lines have none: a look for what each must have costs a hundredth of the pattern.
    if "eyJ" in text:
        text = _JWT.sub(HIDDEN, text)
    if "=" in text:
        text = _SECRET_PARAMETER.sub(rf"\1={HIDDEN}", text)
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", text)
    return text


_USUAL_FIELDS = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,  # text without local variables: those hold tokens and payloads
]


class LineFormatter(logging.Formatter):
    """What the others write of a record, in the same form at a sixth of the price: for what comes by the thousand."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of JSON: the event and the fields that were given with it."""
        told: dict[str, Any] = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        for name, value in record.__dict__.items():
            if name not in _USUAL_FIELDS:
                told[name] = HIDDEN if name in SECRET_FIELDS else value
        told["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat()[:-6] + "Z"
        return hide_secrets(json.dumps(told, default=repr))


def gunicorn_config() -> dict[str, Any]:
    """Return the `logging.config.dictConfig` for gunicorn's own lines alone; the project's are its own business."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        **_json_to_stdout(),
        "root": {"handlers": []},
        "loggers": {
            "gunicorn.error": {"handlers": ["stdout"], "level": "INFO", "propagate": False},
            # Off: it holds whole addresses, tickets and all. The request log has a line for each request, with its id.
            "gunicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
        },
    }


def logging_config(level: str) -> dict[str, Any]:
    """Return the `logging.config.dictConfig` for *level* and point structlog at it."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    # Django tells 4xx answers again that the request log has told; Daphne tells every connection's opening.
    loggers: dict[str, dict[str, Any]] = {name: {"level": "ERROR"} for name in ("django.request", "django.server")}
    loggers["daphne"] = {"level": "WARNING"}
    # One for each connection that comes, and for each that goes.
    loggers["tandem_realtime.connections"] = {"handlers": ["lines"], "propagate": False}
    loggers["gunicorn.error"] = {"handlers": ["stdout"], "propagate": False}  # not the handler it gives itself
    return {
        "version": 1,
        "disable_existing_loggers": False,
        **_json_to_stdout(),
        "root": {"handlers": ["stdout"], "level": level.upper()},
        "loggers": loggers,
    }


def _json_to_stdout() -> dict[str, Any]:
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _SHARED,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redact,
            structlog.processors.JSONRenderer(),
        ],
    }
    handler = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}
    formatters = {"json": formatter, "line": {"()": LineFormatter}}
    return {"formatters": formatters, "handlers": {"stdout": handler, "lines": {**handler, "formatter": "line"}}}
