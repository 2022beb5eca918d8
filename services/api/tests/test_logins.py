"""The admin's login bears with mistakes, and not with guessing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from api.logins import MOST_OF_ADDRESS, MOST_OF_NAME_AND_ADDRESS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _admins(settings: Settings) -> Iterator[None]:
    """Two who may log in, and nothing counted; passwords are to be wrong here, not slow."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    for name in ("ann", "bob"):
        User.objects.create_superuser(name, password="right")
    yield
    cache.clear()


def attempt(name: str, password: str, address: str = "203.0.113.9") -> int:
    """Try to log in from *address*, whatever the client says before the edge does; return the status."""
    form = {"username": name, "password": password, "next": "/admin/"}
    return Client().post("/admin/login/", form, headers={"X-Forwarded-For": f"6.6.6.6, {address}"}).status_code


def test_guessing_ends_with_429() -> None:
    """Then the right password does not help either; another user, or the same from elsewhere, is let in."""
    wrong = [attempt("ann", f"wrong{number}") for number in range(MOST_OF_NAME_AND_ADDRESS + 1)]

    assert wrong == [200] * MOST_OF_NAME_AND_ADDRESS + [429]
    assert attempt(" ANN", "right") == 429
    assert attempt("bob", "right") == 302
    assert attempt("ann", "right", "198.51.100.7") == 302


def test_guessing_names_ends_too() -> None:
    """One address may be wrong so many times, whoever it says it is."""
    found = [attempt(f"name{number}", "wrong") for number in range(MOST_OF_ADDRESS + 1)]

    assert found == [200] * MOST_OF_ADDRESS + [429]


def test_the_form_is_shown_to_anybody() -> None:
    """Looking at it counts for nothing, and 429 says when to come back."""
    for number in range(MOST_OF_NAME_AND_ADDRESS):
        attempt("ann", f"wrong{number}")

    assert Client().get("/admin/login/").status_code == 200
    response = Client().post("/admin/login/", {"username": "ann"}, headers={"X-Forwarded-For": "203.0.113.9"})
    assert (response.status_code, response["Retry-After"]) == (429, "300")
