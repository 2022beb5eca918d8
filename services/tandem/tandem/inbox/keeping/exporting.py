"""All that the inbox has of one user: for who asks what is kept of him."""

from __future__ import annotations

from typing import Any

from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.content.rendering import item_of, language_of
from tandem.inbox.models import AnnouncementMark, Delivery, Mailbox, Message, Mute, Notification, Preference


def export(user: Any) -> dict[str, Any]:
    """Return everything of *user* as JSON: his inboxes, what he prefers, what went elsewhere, what he caused."""
    caused = Message.objects.using(home()).filter(actor=user.pk).order_by("pk")
    return {
        "user": str(user.pk),
        "inboxes": [_inbox(box, user) for box in Mailbox.objects.using(home()).filter(recipient_id=user.pk)],
        "caused": list(caused.values("id", "kind", "tenant", "actor_name", "target_name", "created_at")),
    }


def _inbox(box: Mailbox, user: Any) -> dict[str, Any]:
    rows = Notification.objects.using(home()).filter(mailbox=box).select_related("message").order_by("place")
    marks = AnnouncementMark.objects.using(home()).filter(mailbox=box).order_by("announcement__number")
    deliveries = Delivery.objects.using(home()).filter(mailbox=box).order_by("pk")
    return {
        "tenant": box.tenant,
        "notifications": [_notification(row, language_of(user)) for row in rows],
        "announcements": {
            "seen_up_to": box.seen_up_to,
            "read_up_to": box.read_up_to,
            "marks": list(marks.values("announcement__number", "is_read", "is_archived")),
        },
        "preferences": list(
            Preference.objects.using(home()).filter(mailbox=box).order_by("kind").values("kind", "medium", "is_on")
        ),
        "muted_threads": list(
            Mute.objects.using(home()).filter(mailbox=box).order_by("thread").values_list("thread", flat=True)
        ),
        "deliveries": list(deliveries.values("medium", "name", "state", "reason", "due_at", "settled_at")),
    }


def _notification(row: Notification, language: str) -> dict[str, Any]:
    return {
        **item_of(row, language),
        "seen_at": row.seen_at,
        "read_at": row.read_at,
        "gone": row.box == Notification.Box.GONE,
    }
