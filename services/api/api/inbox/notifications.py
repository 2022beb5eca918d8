"""The kinds of notifications that the inbox page sends."""

from __future__ import annotations

import tandem.inbox


@tandem.inbox.kind("example.message")
class Message:
    """A few words from somebody."""

    label = "Messages"
    title = "{{ actor }} wrote to you"
    body = "{{ data.words }}"
    category = "messages"


@tandem.inbox.kind("example.like")
class Like:
    """One notification for all who like the same."""

    label = "Likes"
    title = "{{ actor }}{% if others %} and {{ others }} other{{ others|pluralize }}{% endif %} liked {{ target }}"
    category = "likes"
    severity = "success"
