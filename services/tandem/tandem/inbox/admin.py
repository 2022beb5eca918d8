"""The inbox in Django's admin: write to somebody or to everybody, see who has seen it, take it back."""

from __future__ import annotations

from django.contrib import admin

from tandem.inbox.models import Delivery, Message
from tandem.inbox.staff.delivery_admin import DeliveryAdmin
from tandem.inbox.staff.message_admin import MessageAdmin

admin.site.register(Message, MessageAdmin)
admin.site.register(Delivery, DeliveryAdmin)
