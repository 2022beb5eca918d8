"""A notification as an email, through Django's own backend; the same Message-ID at every attempt."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from tandem import conf
from tandem.inbox.content import kinds
from tandem.inbox.elsewhere.outgoing import Outgoing, Skipped


def send(outgoing: Outgoing) -> None:
    """Send *outgoing*. Raises `Skipped` for who has no address, and what the backend raises."""
    address = address_of(outgoing.recipient)
    if not address:
        raise Skipped("no address")
    email = EmailMultiAlternatives(
        subject=" ".join(outgoing.title.split()),
        body="\n\n".join(filter(None, (outgoing.body or outgoing.title, outgoing.url))) + "\n",
        to=[address],
        headers={"Message-ID": message_id(outgoing.name), "Auto-Submitted": "auto-generated"},
    )
    kinds.find(outgoing.message.kind).prepare_email(email, outgoing).send()


def address_of(user: Any) -> str:
    """Return the address of *user*, whatever field his model keeps it in; empty where there is none."""
    field = user.get_email_field_name() if hasattr(user, "get_email_field_name") else "email"
    return str(getattr(user, field, "") or "")


def message_id(name: str) -> str:
    """Return the Message-ID of the delivery *name* (RFC 5322, section 3.6.4)."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<tandem.{name}@{domain}>"


def absolute(url: str) -> str:
    """Return *url* as an email can carry it: behind ``TANDEM["inbox_site"]`` where it is relative, else nothing."""
    if not url or "://" in url:
        return url
    site = conf.settings().inbox_site
    return urljoin(f"{site.rstrip('/')}/", url) if site else ""
