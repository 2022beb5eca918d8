"""The form of who writes a notification by hand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from tandem.inbox.content import kinds
from tandem.inbox.content.drafting import draft
from tandem.inbox.errors import InvalidNotification
from tandem.inbox.models import Message
from tandem.inbox.sending.notifying import EVERYONE, everyone, notify

_SAID = ("title", "body", "url", "severity", "tenant", "expires")


class ComposeForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's is no generic at run time
    """To users, to a group, or to everyone; saved by notifying them."""

    to = forms.ChoiceField(
        label=_("To"), choices=[("users", _("Users")), ("group", _("Group")), (EVERYONE, _("Everyone"))]
    )
    users = forms.CharField(
        label=_("Users"), required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("One a line.")
    )
    group = forms.ModelChoiceField(label=_("Group"), queryset=Group.objects.all(), required=False)
    kind = forms.ChoiceField(
        label=_("Kind"), choices=lambda: [(each.name, str(each.label) or each.name) for each in kinds.declared()]
    )
    expires = forms.SplitDateTimeField(label=_("Expires"), required=False)

    class Meta:
        model = Message
        fields = ("kind", "title", "body", "url", "severity", "tenant")

    def clean(self) -> dict[str, Any]:
        """Find the recipients, and have `notify`'s own checks say what is wrong, at the field."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        self.recipients = self._recipients(given)
        if given.get("kind") == "message" and not given.get("title"):
            self.add_error("title", _("A message has a title."))
        try:
            message = draft(given.get("kind", ""), **self._said())
            if self.recipients == EVERYONE:
                everyone(message)
        except InvalidNotification as error:
            self.add_error(error.field if error.field in self.fields else None, str(error))
        return given

    def send(self, actor: Any) -> Message:
        """Notify, as *actor*."""
        return notify(self.recipients, self.cleaned_data["kind"], actor=actor, **self._said())

    def _said(self) -> dict[str, Any]:
        given = {name: self.cleaned_data.get(name) for name in _SAID}
        return {name: value for name, value in given.items() if value not in (None, "")}

    def _recipients(self, given: dict[str, Any]) -> Any:
        if given.get("to") == EVERYONE:
            return EVERYONE
        if given.get("to") == "group":
            if given.get("group") is None:
                self.add_error("group", _("Which group?"))
            return given.get("group")
        names = dict.fromkeys(line.strip() for line in given.get("users", "").splitlines() if line.strip())
        model = get_user_model()
        found = {
            user.get_username(): user
            for user in model._default_manager.filter(**{f"{model.USERNAME_FIELD}__in": list(names)})
        }
        if unknown := [name for name in names if name not in found]:
            self.add_error("users", _("Nobody is called %(name)s.") % {"name": unknown[0]})
        elif not names:
            self.add_error("users", _("Which users?"))
        return [found[name] for name in names if name in found]
