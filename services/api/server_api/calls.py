"""From the bytes of a request to the bytes of its answer: one method, or a batch of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec

from api.server_api import operations, requests
from api.server_api.failures import Failure, error_for
from api.server_api.operations import METHODS, Answer, Result
from tandem.errors import TandemError


def call(method: str, body: bytes) -> bytes:
    """Do *method* with the JSON in *body*; return JSON with a result or an error, of a batch with replies."""
    try:
        body.decode()  # data is passed on byte for byte, and has to be fit for a text frame
        if method == "batch":
            commands = _parse(requests.Batch, body).commands
            return msgspec.json.encode({"replies": list(_replies([_read_command(command) for command in commands]))})
        answer = _answer(method, _read(method, body))
    except (Failure, ValueError) as error:
        answer = Answer(error=error_for(error))
    return msgspec.json.encode(answer)


def _replies(commands: Sequence[tuple[str, Any]]) -> Iterator[Result]:
    """Answer each command. Publications that follow each other go to Redis together."""
    for method, group in groupby(commands, lambda command: command[0]):
        wanted = [request for _, request in group]
        if method == "publish":
            answers = operations.publish_drafts([draft for each in wanted for draft in operations.drafts_of(each)])
        else:
            answers = [_answer(method, each) for each in wanted]
        for answer in answers:
            yield {"error": answer.error} if answer.error is not None else {method: answer.result}


def _answer(method: str, request: Any) -> Answer:
    if isinstance(request, Failure):
        return Answer(error=request.error)
    try:
        return Answer(METHODS[method][1](request))
    except (Failure, TandemError, ValueError) as error:
        return Answer(error=error_for(error))


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
