"""
What an operation asks of Redis, and what it makes of the replies. No I/O here.

A plan asks once. So any number of plans is one round trip: `together` puts them side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias

import msgspec

from tandem.errors import TandemError
from tandem.scripts import Call
from tandem.server_api.failures import UNAVAILABLE, Error, Failure, error_for

Result: TypeAlias = dict[str, Any]
Question: TypeAlias = tuple[str, Call]
"""A script, and the group that tells on which shard it runs."""
Replies: TypeAlias = Sequence[Any]
"""Each is Redis's, or the `TandemError` that came instead."""


class Answer(msgspec.Struct, omit_defaults=True):
    """A result or an error."""

    result: Result | None = None
    error: Error | None = None


def is_nothing_done(answers: Sequence[Answer]) -> bool:
    """Tell whether Redis is why none of *answers* has a result, nor any part of one: the same may be asked again."""
    return bool(answers) and all(map(_is_refused_for_now, answers))


def _is_refused_for_now(answer: Answer) -> bool:
    if answer.error is not None:
        return answer.error.code == UNAVAILABLE
    return is_nothing_done((answer.result or {}).get("responses", ()))  # of a broadcast


class Plan(NamedTuple):
    """Questions, and the function that turns their replies into the result, or raises what says why there is none."""

    questions: Sequence[Question]
    finish: Callable[[Replies], Result]


def ask(group: str, call: Call, read: Callable[[Any], Result]) -> Plan:
    """Return the plan of one question, whose reply *read* turns into the result."""

    def finish(replies: Replies) -> Result:
        [reply] = replies
        if isinstance(reply, TandemError):
            raise reply
        return read(reply)

    return Plan([(group, call)], finish)


def attempt(make: Callable[[], Plan]) -> Plan:
    """Return the plan that *make* returns, or one that asks nothing and fails as *make* did."""
    try:
        return make()
    except (Failure, TandemError, ValueError) as error:
        return failed(error)


def failed(error: Failure | TandemError | ValueError) -> Plan:
    """Return a plan that asks nothing and fails with *error*."""

    def finish(_: Replies) -> Result:
        raise error

    return Plan([], finish)


def together(plans: Sequence[Plan]) -> tuple[list[Question], Callable[[Replies], list[Answer]]]:
    """
    Return the questions of all *plans*, and what turns their replies into an answer each; a failure is one plan's own.

    Plans without questions ask the realtime processes, and wait for them: they are finished last.
    """
    questions = [question for plan in plans for question in plan.questions]
    starts = accumulate((len(plan.questions) for plan in plans), initial=0)
    parts = [slice(start, start + len(plan.questions)) for start, plan in zip(starts, plans, strict=False)]

    def finish(replies: Replies) -> list[Answer]:
        order = sorted(range(len(plans)), key=lambda index: not plans[index].questions)
        answers = {index: _answer(plans[index], replies[parts[index]]) for index in order}
        return [answers[index] for index in range(len(plans))]

    return questions, finish


def _answer(plan: Plan, replies: Replies) -> Answer:
    try:
        return Answer(plan.finish(replies))
    except (Failure, TandemError, ValueError) as error:
        return Answer(error=error_for(error))
