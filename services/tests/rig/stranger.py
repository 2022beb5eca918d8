"""Somebody's project outside of this repository: made by ``startproject``, with nothing of ours but the wheels."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rig.servers import SERVICES

FILES = SERVICES / "tests" / "startproject"
"""What the team writes: ``before`` Tandem, the model and the page; ``after``, with Tandem."""


def build_wheels(directory: Path) -> list[Path]:
    """Build the package and the sockets from copies of their folders, each through its sdist."""
    for name in ("tandem", "realtime"):
        copy = directory / "sources" / name
        shutil.copytree(SERVICES / name, copy, ignore=shutil.ignore_patterns("__pycache__", "tests"))
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(directory), str(copy)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    return sorted(directory.glob("*.whl"))


def make_environment(directory: Path, wheels: Sequence[Path], *, python: str, django: str) -> Path:
    """Make a virtual environment with *wheels*, gunicorn and the *django* that is asked for; return its programs."""
    run = {"check": True, "timeout": 300}
    subprocess.run([python, "-m", "venv", "--without-pip", str(directory)], **run)  # type: ignore[call-overload]
    package, sockets = (str(wheel) for wheel in wheels)
    # pip and not uv: it finds its index and whom to trust by the machine's configuration.
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(directory / "bin" / "python")]
    wanted = [f"django{django}", f"{package}[metrics]", sockets, "gunicorn"]
    subprocess.run([*pip, "install", "--disable-pip-version-check", *wanted], **run)  # type: ignore[call-overload]
    return directory / "bin"


class Stranger:
    """A project called ``mysite`` in an empty *folder*, under the programs of its own environment."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.programs = programs
        foreign = {name: value for name, value in os.environ.items() if not name.startswith(("TANDEM_", "DJANGO_"))}
        self.environ = {**foreign, "PYTHONUNBUFFERED": "1"}
        folder.mkdir()
        self._run(str(programs / "django-admin"), "startproject", "mysite", ".")
        self._git("init", "--quiet")
        self._write("before")
        self.manage("makemigrations", "orders")
        self._commit("The model and the page")
        self._write("after")
        self._commit("Live")

    def manage(self, *arguments: str) -> str:
        """Run ``manage.py`` and return what it said."""
        return self._run(str(self.programs / "python"), "manage.py", *arguments)

    def shell(self, code: str) -> str:
        """Run *code* in the project."""
        return self.manage("shell", "-c", code)

    def lines_added(self) -> int:
        """Count the lines that Tandem took, as ``git diff --numstat`` does."""
        return sum(int(line.split()[0]) for line in self._git("diff", "--numstat", "HEAD~1").splitlines())

    def _write(self, step: str) -> None:
        shutil.copytree(
            FILES / step, self.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.append", "__pycache__")
        )
        with (self.folder / "mysite" / "settings.py").open("a") as settings:
            settings.write((FILES / step / "mysite" / "settings.append").read_text())

    def _commit(self, message: str) -> None:
        self._git("add", "--all", ":!**/__pycache__")
        self._git("commit", "--quiet", "--message", message)

    def _git(self, *arguments: str) -> str:
        who = ("-c", "user.name=team", "-c", "user.email=team@shop.example", "-c", "core.hooksPath=/dev/null")
        return self._run("git", *who, *arguments)

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.folder, env=self.environ, capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout
