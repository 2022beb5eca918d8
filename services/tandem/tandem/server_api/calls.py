"""From the bytes of a request to the bytes of its answer: one method, or a batch of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tandem import tracing
from tandem.request_log import current_request_id
from tandem.server_api import requests
from tandem.server_api.failures import Failure, error_for
from tandem.server_api.operations import METHODS, publication_count
from tandem.server_api.plans import Answer, Plan, Result, attempt, failed
from tandem.server_api.round_trip import run


def call(method: str, body: bytes) -> bytes:
    """Do *method* with the JSON in *body*; return JSON with a result or an error, of a batch with replies."""
    try:
        body.decode()  # data is passed on byte for byte, and has to be fit for a text frame
        if method == "batch":
            commands = _parse(requests.Batch, body).commands
            return msgspec.json.encode({"replies": _replies([_read_command(command) for command in commands])})
        [answer] = _answers([(method, _read(method, body))])
    except (Failure, ValueError) as error:
        answer = Answer(error=error_for(error))
    return msgspec.json.encode(answer)


def _replies(commands: Sequence[tuple[str, Any]]) -> list[Result]:
    return [
        {"error": answer.error} if answer.error is not None else {method: answer.result}
        for (method, _), answer in zip(commands, _answers(commands), strict=True)
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
