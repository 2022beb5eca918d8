"""Two people that a visitor may be with one press, and nothing more than that."""

from __future__ import annotations

from django.contrib.auth.models import User

PEOPLE = {"ada": "Ada", "grace": "Grace"}


class NotForVisitors(Exception):
    """An account by that name is somebody's own."""


def person(username: str) -> User:
    """
    Return the account of *username*, made at first use.

    It has no password and no rights. Raises `KeyError` for anybody else, and `NotForVisitors` where such an account is
    not one of ours: a visitor must not become a colleague who happens to be called Ada.
    """
    user, is_new = User.objects.get_or_create(username=username, defaults={"first_name": PEOPLE[username]})
    if is_new:
        user.set_unusable_password()
        user.save()
    if user.has_usable_password() or user.is_staff or user.is_superuser or not user.is_active:
        raise NotForVisitors(f"{username} is somebody's own account")
    return user
