"""Send what is due elsewhere, unless it was seen or is no longer wanted: at least once, and log it."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from tandem.inbox.boxes import mailboxes
from tandem.inbox.boxes.locking import locked
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.content import kinds, links
from tandem.inbox.content.rendering import language_of, words
from tandem.inbox.elsewhere import emailing
from tandem.inbox.elsewhere.announcements import check_announcement
from tandem.inbox.elsewhere.outgoing import Outgoing, Skipped
from tandem.inbox.models import Delivery, Notification
from tandem.inbox.preferences import media
from tandem.inbox.preferences.wishes import wishes_of
from tandem.repeats import Repeats

_repeats = Repeats(logging.getLogger("tandem.inbox"))

BATCH = 20
LEASE = timedelta(minutes=5)
"""So long nobody else sends what one worker has begun with: a batch takes less."""
MOST_ATTEMPTS = 6
FIRST_PAUSE = timedelta(minutes=1)
"""After the first failure; after each further one twice as long."""


def send_due() -> bool:
    """Send the next `BATCH` of what is due, and tell whether there may be more."""
    batch = _claim()
    for delivery in batch:
        _settle(delivery)
    return len(batch) == BATCH


def _claim() -> list[Delivery]:
    """Return deliveries that are due, which nobody else gets while their lease lasts."""
    rows = Delivery.objects.using(home())
    due = rows.filter(state=Delivery.State.WAITING, due_at__lte=Now()).order_by("due_at")
    if not due.exists():
        return []
    with transaction.atomic(using=home()):
        numbers = list(locked(due, skip_locked=True).values_list("pk", flat=True)[:BATCH])
        rows.filter(pk__in=numbers).update(due_at=Now() + LEASE, attempts=F("attempts") + 1)
    claimed = rows.filter(pk__in=numbers).select_related("message", "notification__message", "mailbox")
    return list(claimed.order_by("pk"))


def _settle(delivery: Delivery) -> None:
    """Send *delivery*, and write down what became of it."""
    try:
        _send(delivery)
    except Skipped as reason:
        _write(delivery, Delivery.State.SKIPPED, str(reason))
    except Exception as error:  # a mail server, a team's own function: what it is does not matter
        text = f"{type(error).__name__}: {error}"
        _repeats.warning("inbox.delivery", f"{delivery.medium} {type(error).__name__}", reason=text)
        if delivery.attempts >= MOST_ATTEMPTS:
            _write(delivery, Delivery.State.FAILED, text)
        else:
            pause = FIRST_PAUSE * 2 ** (delivery.attempts - 1)
            Delivery.objects.using(home()).filter(pk=delivery.pk).update(due_at=Now() + pause, reason=text)
    else:
        _write(delivery, Delivery.State.SENT, "")


def _send(delivery: Delivery) -> None:
    outgoing = _checked(delivery)
    if delivery.medium == media.EMAIL:
        emailing.send(outgoing)
    elif (send := media.declared()[delivery.medium].send) is not None:
        send(outgoing)


def _checked(delivery: Delivery) -> Outgoing:
    """Return what is to be sent. Raises `Skipped` where that is nothing, by what is so now."""
    notification = delivery.notification
    message = notification.message if notification is not None else delivery.message  # a group shows its latest
    if message.retracted_at is not None:
        raise Skipped("retracted")
    if notification is not None and (notification.seen_at is not None or notification.box == Notification.Box.GONE):
        raise Skipped("seen" if notification.seen_at is not None else "gone")
    if delivery.medium not in media.declared():
        raise Skipped("nobody declares this medium")
    wanted = wishes_of(kinds.find(message.kind), message.thread, [delivery.mailbox])[delivery.mailbox.pk]
    if delivery.medium not in wanted:
        raise Skipped("not wanted any more")
    if message.is_for_everyone:
        check_announcement(message, delivery.mailbox, is_shown=media.INBOX in wanted)
    user = mailboxes.users_of([delivery.mailbox]).get(delivery.mailbox.pk)
    if user is None or not getattr(user, "is_active", True):
        raise Skipped("the user is not active")
    texts = words(message, notification.count if notification is not None else 1, language_of(user))
    url = emailing.absolute(links.shown(message.url))
    return Outgoing(delivery.name, user, message, texts["title"], texts["body"], url)


def _write(delivery: Delivery, state: str, reason: str) -> None:
    rows = Delivery.objects.using(home()).filter(pk=delivery.pk)
    rows.update(state=state, reason=reason, settled_at=Now())
