"""Somebody's own Django project in an empty folder, made by ``startproject`` and a few lines of theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SETTINGS = """

INSTALLED_APPS += ["tandem", "mysite"]
TANDEM = {}
"""

URLS = """
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpResponse, JsonResponse
from django.urls import include, path

import tandem


def hello(request):
    return HttpResponse("hello")


def press(request):
    return JsonResponse({"offset": tandem.publish("public:button", {"pressed": True}).offset})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("realtime/", include("tandem.urls")),
    path("hello/", hello),
    path("press/", press),
]
"""


class Project:
    """A project called ``mysite`` in *folder*."""

    def __init__(self, folder: Path, *, settings: str = SETTINGS, urls: str = URLS) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "django", "startproject", "mysite", str(folder)]
        subprocess.run(command, env=self.environ(), check=True, timeout=60)
        with (folder / "mysite" / "settings.py").open("a") as file:
            file.write(settings)
        self.urls = folder / "mysite" / "urls.py"
        self.urls.write_text(urls)

    def environ(self, **more: str) -> dict[str, str]:
        """Return the environment of its commands: nothing of ours in it."""
        foreign = {name: value for name, value in os.environ.items() if not name.startswith(("TANDEM_", "DJANGO_"))}
        return {**foreign, "PYTHONUNBUFFERED": "1", **more}

    def manage(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run ``manage.py`` and return what it said."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.folder,
            env=self.environ(**environ),
            capture_output=True,
            text=True,
            timeout=120,
        )
