"""
What tokens say that holds no more: rows, told to the sockets right after the commit, or by who finds them untold.

A row is the truth; what Redis keeps of it is a copy that `refill` makes good when Redis was away or was emptied.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.db import router, transaction
from django.db.models import F
from django.db.models.functions import Now

from tandem import conf, control, revocations
from tandem.auth.identity import id_of
from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.models import Generation, Revocation
from tandem.namespaces import check_channel
from tandem.shards import shards
from tandem.tokens import Verifier

logger = logging.getLogger(__name__)

BATCH = 1000
PRUNE_SECONDS = 60.0

_next_prune = 0.0


def revoke(user: Any, channel: str | None = None) -> None:
    """
    End what *user* (a user, or the text by which tokens name one) has now, when the current transaction commits.

    Every connection ends for good (3500) and every token, ticket and subscription token made before is refused; those
    made after are good. With a *channel* that holds for this channel alone: its subscriptions end, connections stay.
    Redis may be away: it is told as soon as it is back.
    """
    user_id = id_of(user)
    if channel is not None:
        check_channel(channel)
    _revoke(revocations.of_user(user_id) if channel is None else revocations.of_channel(channel, user_id), user_id)


def end_password(user_id: str) -> None:
    """End what *user_id* has by a password that was changed: whoever is still logged in comes back by himself."""
    _revoke(revocations.of_password(user_id), user_id)


def end_login(login: str) -> None:
    """End what belongs to *login*, a token's ``sid``."""
    if login:
        _record(revocations.of_login(login), 1)


def revoke_token(token: str) -> None:
    """
    End the connection of one connection token, and refuse it from now on.

    Raises `InvalidToken` for what is none of ours, and for one that has no ``jti``.
    """
    claims = Verifier(conf.verifying_keys()).connection(token)
    if not claims.jti:
        raise ValueError("the token has no jti to be known by")
    _record(revocations.of_token(claims.jti, claims.sub), 1)


def refill() -> int:
    """
    Tell what nobody was told of yet; all of it where Redis has lost what it kept. Return how many were told.

    The outbox's worker calls this every half second. Raises `RedisUnavailable` or `RedisReplyError`.
    """
    untold = Revocation.objects.using(_database()).filter(is_told=False).order_by("pk")
    told, last = 0, 0
    while rows := list(untold.filter(pk__gt=last)[:BATCH]):
        _tell(rows)
        told, last = told + len(rows), rows[-1].pk
    if not _is_whole():
        told += _restore()
    _prune()
    return told


def _revoke(subject: str, user_id: str) -> None:
    with transaction.atomic(using=_database()):
        _record(subject, _next_generation(user_id))


def _next_generation(user_id: str) -> int:
    rows = Generation.objects.using(_database())
    row, _ = rows.get_or_create(user=user_id)
    rows.filter(pk=row.pk).update(number=F("number") + 1)  # holds the row until the commit
    number: int = rows.values_list("number", flat=True).get(pk=row.pk)
    return number


def _record(subject: str, generation: int) -> None:
    using = _database()
    given = {"generation": generation, "seconds": conf.settings().revocation_seconds, "ended_at": Now()}
    with transaction.atomic(using=using):
        Revocation.objects.using(using).update_or_create(subject=subject, defaults={**given, "is_told": False})
        # Robust: whatever goes wrong, the row is committed and will be told of.
        transaction.on_commit(lambda: _tell_soon(subject), using=using, robust=True)


def _tell_soon(subject: str) -> None:
    try:
        _tell(list(Revocation.objects.using(_database()).filter(subject=subject, is_told=False)))
    except (RedisUnavailable, RedisReplyError) as error:
        logger.warning("auth.untold", extra={"reason": str(error)})


def _tell(rows: Sequence[Revocation]) -> None:
    if not rows:
        return
    control.revoke([revocations.Revocation(row.subject, row.generation, row.seconds) for row in rows])
    for row in rows:  # but for those that were revoked again meanwhile
        Revocation.objects.using(_database()).filter(pk=row.pk, generation=row.generation).update(is_told=True)


def _is_whole() -> bool:
    reply = shards().run(control.CHANNEL, revocations.page_call(limit=0))
    return revocations.parse_page(reply, limit=1).is_whole


def _restore() -> int:
    """Keep every row in Redis anew; where that is emptied meanwhile, it is not whole, and the next `refill` will."""
    mark = shards().run(control.CHANNEL, revocations.begin_refill_call())
    found = [
        revocations.Revocation(row.subject, row.generation, row.seconds)
        for row in Revocation.objects.using(_database()).order_by("pk").iterator(BATCH)
    ]
    for start in range(0, len(found), BATCH):
        shards().run(control.CHANNEL, revocations.revoke_call(found[start : start + BATCH]))
    # Whoever reads it reads all of it. Told before the end: what fails before that is done again.
    shards().run(control.CHANNEL, control.control_call(control.Reread()))
    is_whole = bool(shards().run(control.CHANNEL, revocations.end_refill_call(mark)))
    logger.warning("auth.refilled", extra={"revocations": len(found), "is_whole": is_whole})
    return len(found)


def _prune() -> None:
    """Forget what no token can say any more. By the database's clock."""
    global _next_prune
    if time.monotonic() >= _next_prune:
        _next_prune = time.monotonic() + PRUNE_SECONDS
        kept = timedelta(seconds=conf.settings().revocation_seconds)
        Revocation.objects.using(_database()).filter(is_told=True, ended_at__lt=Now() - kept).delete()


def _database() -> str:
    return router.db_for_write(Revocation)


arevoke = sync_to_async(revoke)
