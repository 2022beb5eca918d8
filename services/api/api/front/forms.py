"""The forms of the front page."""

from __future__ import annotations

from django import forms

from api.front.people import PEOPLE


class SignInForm(forms.Form):
    """As whom."""

    name = forms.ChoiceField(choices=list(PEOPLE.items()))


class OrderForm(forms.Form):
    """What is wanted."""

    what = forms.CharField(max_length=60)


class ShipForm(forms.Form):
    """Which order."""

    pk = forms.IntegerField(min_value=1, max_value=2**63 - 1)


class GreetingForm(forms.Form):
    """Whom to greet."""

    to = forms.ChoiceField(choices=list(PEOPLE.items()))
