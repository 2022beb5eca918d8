"""The kind of what somebody writes by hand, in the admin."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from tandem.inbox.content.kinds import kind


@kind("message")
class Written:
    """Its title and body are its own."""

    label = _("Message")
