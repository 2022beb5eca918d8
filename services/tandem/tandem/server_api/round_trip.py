"""Run operations together: what all of them ask goes to Redis in one round trip for each shard."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from tandem.errors import TandemError
from tandem.groups import shard_for_group
from tandem.server_api.failures import Failure, error_for
from tandem.server_api.operations import Answer, Operation, Question
from tandem.shards import shards


def run(operations: Sequence[Operation]) -> list[Answer]:
    """
    Return the answer of each of *operations*; the failure of one is its own.

    Redis carries out what concerns one channel in the order of the operations. Those that ask nothing of Redis wait
    for the realtime processes instead, and come last.
    """
    begun = [_begin(operation) for operation in operations]
    replies = iter(_ask([question for each in begun if not isinstance(each, Answer) for question in each]))
    sent = [[] if isinstance(each, Answer) else list(islice(replies, len(each))) for each in begun]
    answers: list[Answer] = [each if isinstance(each, Answer) else Answer() for each in begun]
    unfinished = [index for index, each in enumerate(begun) if not isinstance(each, Answer)]
    for index in sorted(unfinished, key=lambda index: not begun[index]):
        answers[index] = _finish(operations[index], sent[index])
    return answers


def _begin(operation: Operation) -> list[Question] | Answer:
    """Return what *operation* asks, or the answer when it fails before it asks."""
    try:
        return next(operation)
    except (Failure, TandemError, ValueError) as error:
        return Answer(error=error_for(error))


def _finish(operation: Operation, replies: list[Any]) -> Answer:
    try:
        operation.send(replies)
    except StopIteration as end:
        return Answer(end.value)
    except (Failure, TandemError, ValueError) as error:
        return Answer(error=error_for(error))
    raise RuntimeError("an operation asks once")


def _ask(questions: Sequence[Question]) -> list[Any]:
    store = shards()
    return store.run_each([(shard_for_group(group, len(store.clients)), call) for group, call in questions])
