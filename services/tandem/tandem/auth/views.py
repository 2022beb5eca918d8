"""What a page asks for: a connection token, a subscription token, a ticket. Session user, POST, CSRF."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

import msgspec
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from tandem.auth.errors import NotSignedIn, Refused
from tandem.auth.minting import connection_token_for, subscription_token_for, ticket_for
from tandem.errors import InvalidChannel, RedisReplyError, RedisUnavailable
from tandem.page import login_name

logger = logging.getLogger(__name__)

RETRY_SECONDS = "1"

View = Callable[[HttpRequest], HttpResponse]


class AboutChannel(msgspec.Struct, frozen=True):
    """The body of a request for a subscription token."""

    channel: str


class AboutChannels(msgspec.Struct, frozen=True):
    """The body of a request for a ticket."""

    channels: list[str] = []


class _Malformed(Exception):
    pass


def _minting(mint: Callable[[HttpRequest], dict[str, str]]) -> View:
    """Answer with what *mint* returns, or with why it is refused: always JSON, so that it is told from a CSRF page."""

    @wraps(mint)
    def view(request: HttpRequest) -> HttpResponse:
        if request.GET.get("login", login_name(request)) != login_name(request):
            return _refusal(401, "unauthorized")  # a page of a login that is over, in a browser that has another one
        try:
            return JsonResponse(mint(request))
        except NotSignedIn:
            return _refusal(401, "unauthorized")
        except Refused:
            return _refusal(403, "permission denied")
        except (_Malformed, InvalidChannel) as error:
            return _refusal(400, f"bad request: {error}")
        except (RedisUnavailable, RedisReplyError) as error:
            logger.warning("auth.unavailable", extra={"reason": str(error)})
            return _refusal(503, "unavailable", **{"Retry-After": RETRY_SECONDS})
        except Exception:  # the project's own permission function: what it raises must not become a grant
            logger.exception("auth.failed")
            return _refusal(500, "internal error")

    return login_not_required(never_cache(require_POST(csrf_protect(view))))


@_minting
def token(request: HttpRequest) -> dict[str, str]:
    """Answer ``{"token": ...}`` to who is logged in."""
    return {"token": connection_token_for(request)}


@_minting
def subscription(request: HttpRequest) -> dict[str, str]:
    """Answer ``{"token": ...}`` to who may hear the ``channel`` of the body."""
    return {"token": subscription_token_for(request, _body(request, AboutChannel).channel)}


@_minting
def ticket(request: HttpRequest) -> dict[str, str]:
    """Answer ``{"ticket": ...}`` to who may hear all ``channels`` of the body."""
    return {"ticket": ticket_for(request, _body(request, AboutChannels).channels)}


def _body(request: HttpRequest, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(request.body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _Malformed(str(error)) from error


def _refusal(status: int, why: str, **headers: str) -> JsonResponse:
    return JsonResponse({"error": why}, status=status, headers=headers)
