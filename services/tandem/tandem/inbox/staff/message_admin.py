"""Messages in the admin: written, looked at with who has seen them, and taken back; never changed in place."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.content.drafting import display_name
from tandem.inbox.content.rendering import words
from tandem.inbox.models import Bulk, BulkRecipient, Message, Notification
from tandem.inbox.reading.announcement_marks import have_seen
from tandem.inbox.sending.changing import retract
from tandem.inbox.staff.composing import ComposeForm

_MOST_NAMES = 100


class MessageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as in composing
    """Add is compose; the page of one says who has seen it."""

    form = ComposeForm
    list_display = ("id", "shown", "kind", "tenant", "created_at", "is_for_everyone", "retracted_at")
    list_filter = ("is_for_everyone", "severity")
    search_fields = ("title", "kind")
    ordering = ("-id",)
    actions = ("retract",)
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Ask what to send to whom; of what was sent, show that, and what became of it."""
        if obj is None:
            return ("to", "users", "group", *ComposeForm.Meta.fields, "expires")
        return ("shown", "body", "url", "kind", "severity", "tenant", "actor_name", "created_at", "expires_at",
                "retracted_at", "seen", "seen_by")  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What was sent is not written over: edit and retract tell those who have it."""
        return () if obj is None else self.get_fields(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Look only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Retract instead: who has it open must see it go."""
        return False

    def has_retract_permission(self, request: HttpRequest) -> bool:
        """Who may change messages may take them back."""
        return bool(super().has_change_permission(request))

    def save_model(self, request: HttpRequest, obj: Message, form: Any, change: bool) -> None:
        """Notify; *obj* becomes the message that was sent."""
        sent = form.send(request.user)
        obj.__dict__.update({name: value for name, value in sent.__dict__.items() if not name.startswith("_")})
        obj._state.adding = False

    @admin.action(description=_("Retract"), permissions=["retract"])
    def retract(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Take the chosen messages back from everybody."""
        found = list(queryset.filter(retracted_at=None))
        for message in found:
            retract(message)
        level = messages.SUCCESS if found else messages.WARNING
        self.message_user(request, _("%(count)d retracted") % {"count": len(found)}, level)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        """Look at the database that messages are written to."""
        return Message.objects.using(home()).all()

    @admin.display(description=_("Title"))
    def shown(self, message: Message) -> str:
        """The title as its reader sees it."""
        return words(message, 1, None)["title"]

    @admin.display(description=_("Seen"))
    def seen(self, message: Message) -> str:
        """How many have it, have seen it, have read it; how many are still to get it."""
        if message.is_for_everyone:
            return _("seen by %(seen)d") % {"seen": have_seen(message).count()}
        rows = Notification.objects.using(home()).filter(message=message)
        found = rows.aggregate(
            all=Count("pk"),
            seen=Count("pk", filter=Q(seen_at__isnull=False)),
            read=Count("pk", filter=~Q(read_at=None)),
        )
        coming = BulkRecipient.objects.using(home()).filter(message=message).count()
        running = Bulk.objects.using(home()).filter(message=message).exists()
        text = _("%(seen)d of %(all)d have seen it, %(read)d read it") % found
        return f"{text}; {_('%(coming)d are still to get it') % {'coming': coming}}" if running else text

    @admin.display(description=_("Seen by"))
    def seen_by(self, message: Message) -> str:
        """Their names, the first hundred."""
        if message.is_for_everyone:
            boxes = [*have_seen(message).order_by("pk").select_related("recipient")[:_MOST_NAMES]]
        else:
            rows = Notification.objects.using(home()).filter(message=message, seen_at__isnull=False)
            rows = rows.order_by("seen_at").select_related("mailbox__recipient")[:_MOST_NAMES]
            boxes = [row.mailbox for row in rows]
        return ", ".join(display_name(box.recipient) for box in boxes) or "-"
