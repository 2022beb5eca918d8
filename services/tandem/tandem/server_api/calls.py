"""From the bytes of a request to the bytes of its answer: one method, or a batch of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from tandem import tracing
from tandem.request_log import current_request_id
from tandem.server_api import requests
from tandem.server_api.failures import Failure, error_for
from tandem.server_api.operations import METHODS, publication_count
from tandem.server_api.plans import Answer, Plan, Result, attempt, failed, is_nothing_done
from tandem.server_api.round_trip import run


class Reply(NamedTuple):
    """JSON with a result or an error, of a batch with replies; and whether all of it failed for want of Redis."""

    body: bytes
    is_unavailable: bool = False


def call(method: str, body: bytes) -> Reply:
    """Do *method* with the JSON in *body*."""
    try:
        body.decode()  # data is passed on byte for byte, and has to be fit for a text frame
        if method == "batch":
            commands = [_read_command(command) for command in _parse(requests.Batch, body).commands]
            answers = _answers(commands)
            return Reply(msgspec.json.encode({"replies": _replies(commands, answers)}), is_nothing_done(answers))
        answers = _answers([(method, _read(method, body))])
    except (Failure, ValueError) as error:
        answers = [Answer(error=error_for(error))]
    return Reply(msgspec.json.encode(answers[0]), is_nothing_done(answers))


def _replies(commands: Sequence[tuple[str, Any]], answers: Sequence[Answer]) -> list[Result]:
    return [
        {"error": answer.error} if answer.error is not None else {method: answer.result}
        for (method, _), answer in zip(commands, answers, strict=True)
    ]


def _answers(commands: Sequence[tuple[str, Any]]) -> list[Answer]:
    """Do all of *commands*, in one round trip to Redis."""
    count = sum(publication_count(request) for _, request in commands)
    with tracing.publishing(count, current_request_id()):
        return run([_plan(method, request) for method, request in commands])


def _plan(method: str, request: Any) -> Plan:
    return failed(request) if isinstance(request, Failure) else attempt(lambda: METHODS[method][1](request))


def _read_command(command: dict[str, msgspec.Raw]) -> tuple[str, Any]:
    """Return the method and its request, or no method and the failure that stands in its place."""
    try:
        if len(command) != 1:
            raise Failure(107, f"bad request: a command is an object of one method, not of {len(command)}")
        [(method, parameters)] = command.items()
        return method, _read(method, bytes(parameters))
    except Failure as failure:
        return "", failure


def _read(method: str, body: bytes) -> Any:
    if method not in METHODS:
        raise Failure(104, "method not found")
    return _parse(METHODS[method][0], body or b"{}")


def _parse(type_: type[Any], body: bytes) -> Any:
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.DecodeError as error:
        raise Failure(107, f"bad request: {error}") from error
    except RecursionError as error:
        raise Failure(107, "bad request: nested too deeply") from error
