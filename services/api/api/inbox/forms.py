"""The form of the inbox page."""

from __future__ import annotations

from django import forms


class MessageForm(forms.Form):
    """Some words, for oneself or for everyone."""

    words = forms.CharField(max_length=200, initial="Hello there")
    to = forms.ChoiceField(choices=[("me", "Me"), ("everyone", "Everyone")], initial="me")
