"""Who may hear what: permissions of channels, and tokens for those who are logged in."""

from tandem.auth.minting import (
    aconnection_token_for,
    asubscription_token_for,
    aticket_for,
    connection_token_for,
    subscription_token_for,
    ticket_for,
)
from tandem.auth.revoking import revoke_token

__all__ = [
    "aconnection_token_for",
    "asubscription_token_for",
    "aticket_for",
    "connection_token_for",
    "revoke_token",
    "subscription_token_for",
    "ticket_for",
]
