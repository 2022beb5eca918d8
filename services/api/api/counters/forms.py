"""The form of the increment page, for browsers without JavaScript."""

from __future__ import annotations

from django import forms

from api.counters import actions


class IncrementForm(forms.Form):
    """How far to go; backwards when negative."""

    by = forms.IntegerField(min_value=actions.SMALLEST, max_value=actions.LARGEST, initial=1)

    def clean_by(self) -> int:
        """Refuse zero, as the API does."""
        by: int = self.cleaned_data["by"]
        if by == 0:
            raise forms.ValidationError("0 changes nothing")
        return by
