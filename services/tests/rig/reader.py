"""Somebody who does what a page of documentation says, from an empty folder on, with nothing of ours but the wheels."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from playwright.async_api import Page

from rig.pages import Commands, steps
from rig.servers import Server, free_port
from rig.stranger import build_wheels

SERVE = ".venv/bin/python manage.py runtandem"


def environ_of_a_reader(wheels: Path) -> dict[str, str]:
    """Return an environment in which ``pip install`` finds *wheels* too, and that has nothing else of ours."""
    ours = ("TANDEM_", "DJANGO_", "PYTHON", "VIRTUAL_ENV")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**clean, "PIP_FIND_LINKS": str(wheels), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"}


def carry_out(text: str, folder: Path, environ: Mapping[str, str]) -> list[str]:
    """Do what *text* says in *folder*, but serve; return its commands."""
    commands: list[str] = []
    for step in steps(text):
        if isinstance(step, Commands):
            commands += step.lines
            for line in step.lines:
                if line != SERVE:
                    subprocess.run(line, shell=True, cwd=folder, env=environ, check=True, capture_output=True)
        else:
            step.write(folder)
    return commands


def follow(text: str, folder: Path, wheels: Path, *, others: Sequence[str] = ("bob",)) -> Server:
    """
    Do what *text* says in *folder*, up to its last command, which serves; return that server, not started.

    *others* are users whom the page only speaks of.
    """
    build_wheels(wheels)
    environ = environ_of_a_reader(wheels)
    assert carry_out(text, folder, environ)[-1] == SERVE
    for name in others:
        code = f"from django.contrib.auth.models import User; User.objects.create_superuser({name!r}, '', 'secret')"
        subprocess.run([".venv/bin/python", "manage.py", "shell", "-c", code], cwd=folder, env=environ, check=True)
    port = free_port()
    command = [*SERVE.split(), f"127.0.0.1:{port}", "--noreload"]
    return Server(command, port, cwd=folder, env=environ, log=folder / "runtandem.log")


async def log_in(page: Page, url: str, user: str) -> None:
    """Open *url*, which asks for the login first."""
    await page.goto(url)
    await page.get_by_label("Username").fill(user)
    await page.get_by_label("Password").fill("secret")
    await page.get_by_role("button", name="Log in").click()
