"""``manage.py tandem channels``."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

import tandem
from tandem import conf
from tandem.auth import permissions


def test_lists_who_may_hear_what(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patterns with their functions, and the namespaces that answer for themselves."""
    monkeypatch.setattr(permissions, "_permissions", {})
    monkeypatch.setattr(conf, "_of_patterns", {})

    @tandem.channel("order:{tenant}/{pk:int}")
    def order(user: object, tenant: str, pk: int) -> bool:
        return True

    out = StringIO()
    call_command("tandem", "channels", stdout=out)
    lines = [line.split(maxsplit=1) for line in out.getvalue().splitlines()]
    conf.namespaces.cache_clear()

    assert lines == [
        ["order:{tenant}/{pk:int}", f"{__name__}.test_lists_who_may_hear_what.<locals>.order"],
        ["kept:...", "nobody (namespace)"],
        ["live:...", "nobody (namespace)"],
        ["notifications:...", "the user named after # (namespace)"],
        ["public:...", "anyone (namespace)"],
        ["room:...", "nobody (namespace)"],
    ]


def test_unknown_subcommand_is_refused() -> None:
    """With the list of those that there are."""
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("tandem", "chanels")
