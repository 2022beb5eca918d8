"""The inbox page's app."""

from __future__ import annotations

from django.apps import AppConfig


class InboxPageConfig(AppConfig):
    """One page and two kinds of notifications; the inbox itself is `tandem.inbox`."""

    name = "api.inbox"
    label = "inbox_page"
