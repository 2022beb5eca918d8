"""Tables, static files and somebody who may log in to the admin. Runs as a process of its own, in Django."""

from __future__ import annotations

import os

import django
from django.core.management import call_command


def main() -> None:
    """Do what may have been done before; doing it again changes nothing."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "api.settings")
    django.setup()
    from django.contrib.auth.models import User  # only after setup()

    call_command("migrate", interactive=False)
    call_command("collectstatic", interactive=False)
    if not User.objects.filter(username="admin").exists():
        User.objects.create_superuser("admin", "admin@localhost", os.environ["DJANGO_SUPERUSER_PASSWORD"])


if __name__ == "__main__":
    main()
