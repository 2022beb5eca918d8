"""Where the content of a block comes from: a function of the project, or the row of a model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, overload

from asgiref.sync import async_to_sync
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured, ObjectDoesNotExist
from django.db import router
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest

from tandem.live.blocks import Block
from tandem.live.errors import Gone

F = TypeVar("F", bound=Callable[..., Any])

MODEL = "model:"
"""Before ``app.model`` in the place of a source's name."""


class Source(NamedTuple):
    """A function that returns the context of a partial."""

    name: str
    function: Callable[..., Any]
    channel: str | Callable[..., str]
    push: str
    """The partial that is rendered once for everybody; empty: each viewer's own request renders."""

    def channel_of(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> str:
        """Return the channel that tells of changes. Raises `TypeError` for what the function does not take."""
        bound = inspect.signature(self.function).bind(*([] if self.push else [None]), *arguments, **named)
        bound.apply_defaults()
        if callable(self.channel):
            return self.channel(*arguments, **named)
        return self.channel.format(**bound.arguments)

    def context(self, request: HttpRequest | None, block: Block) -> dict[str, Any]:
        """Ask the function. Raises `Gone` where it finds nothing."""
        asker = [] if self.push else [request]
        try:
            answer = self.function(*asker, *block.arguments, **block.named)
            if inspect.isawaitable(answer):
                answer = async_to_sync(_result_of)(answer)
        except (Http404, ObjectDoesNotExist) as error:
            raise Gone(f"the source {self.name!r} found nothing: {error}") from error
        if not isinstance(answer, Mapping):
            raise TypeError(f"the source {self.name!r} returned a {type(answer).__name__}, not the partial's context")
        return {name: _from_writer(value) for name, value in answer.items()}


_sources: dict[str, Source] = {}


@overload
def source(function: F) -> F: ...


@overload
def source(*, channel: str | Callable[..., str] = "", name: str = "", push: str = "") -> Callable[[F], F]: ...


def source(function: Any = None, *, channel: str | Callable[..., str] = "", name: str = "", push: str = "") -> Any:
    """
    Let a function say what a block shows: ``{% live "open_orders" shop=7 partial="orders/list.html" %}``.

    The function takes the request and the tag's arguments and returns the partial's context. *channel* tells of its
    changes: ``"orders:{shop}"``, or a function of the arguments; else the tag names one. *push* is a partial that is
    rendered once for everybody, by `push`: such a source takes no request. Raises `TypeError` or `ValueError` for what
    cannot be.
    """

    def register(function: F) -> F:
        made = Source(name or function.__name__, function, channel, push)
        _require_signature(made)
        known = _sources.get(made.name)
        if known and (known.function.__module__, known.function.__qualname__) != (
            function.__module__,
            function.__qualname__,
        ):
            other = f"{known.function.__module__}.{known.function.__qualname__}"
            raise ValueError(f"there is a source {made.name!r} already, {other}: give one of them name=")
        _sources[made.name] = made
        return function

    return register if function is None else register(function)


def sources() -> list[Source]:
    """Return every source."""
    return list(_sources.values())


def find_source(name: str) -> Source:
    """Return the source of that *name*. Raises `ImproperlyConfigured`."""
    if name not in _sources:
        raise ImproperlyConfigured(f"there is no live source {name!r}: is its module <app>/live.py? {sorted(_sources)}")
    return _sources[name]


def context_of(block: Block, request: HttpRequest | None) -> dict[str, Any]:
    """Return what the partial of *block* is rendered with. Raises `Gone`, and what a source raises."""
    if not block.source.startswith(MODEL):
        return find_source(block.source).context(request, block)
    model = apps.get_model(block.source.removeprefix(MODEL))
    [pk] = block.arguments
    row = _row(model, pk)
    return {"object": row, str(model._meta.model_name): row}


def is_there(block: Block) -> bool:
    """Tell whether the row that *block* shows exists; of a source it is not known."""
    if not block.source.startswith(MODEL):
        return True
    try:
        _row(apps.get_model(block.source.removeprefix(MODEL)), block.arguments[0])
    except Gone:
        return False
    return True


def _row(model: type[Model], pk: Any) -> Model:
    """Read a row from the database that is written to: a replica may be behind the position."""
    found = model._default_manager.using(router.db_for_write(model)).filter(pk=pk).first()
    if found is None:
        raise Gone(f"there is no {model._meta.verbose_name} {pk} any more")
    return found


def _from_writer(value: Any) -> Any:
    """Have a queryset that is still to be read, and whose database nobody chose, read from the one written to."""
    # By its own word: `db` would tell where the router sends it.
    if isinstance(value, QuerySet) and getattr(value, "_db", None) is None and value._result_cache is None:
        return value.using(router.db_for_write(value.model))
    return value


async def _result_of(awaitable: Any) -> Any:
    return await awaitable


def _require_signature(made: Source) -> None:
    names = list(inspect.signature(made.function).parameters)
    takes_request = names[:1] == ["request"]
    if made.push and "request" in names:
        raise TypeError(f"the source {made.name!r} is pushed to everybody: it takes no request")
    if not made.push and not takes_request:
        raise TypeError(f"the source {made.name!r} takes the request first, then its arguments")
    if not all(part.isidentifier() for part in made.name.split(".")):
        raise ValueError(f"{made.name!r} is no name of a source")
