"""One release after the other: uninstall and install again, and the upgrade from the last release."""

from __future__ import annotations

import json
import os
import shlex
import tempfile
import time
from pathlib import Path

from .. import volumes
from ..crowd import judge, visiting
from ..kube import ROOT, WAIT, Release, run
from ..verdicts import Verdicts
from . import together
from .first_day import not_unchanged, test
from .rollouts import gone

LAST = os.environ.get("LAST_RELEASE", "v0.1.0")
"""A tag or commit of this repository: its chart is what is upgraded from, with the images of $LAST_HELM."""


def again(release: Release, verdicts: Verdicts) -> None:
    """Uninstall and install again, with volumes: data stay, the Secret is a new one, and the database opens to it."""
    release = Release(f"{release.namespace}-again", release.options)
    volumes.provide(2)
    kept = ("--set", "postgresql.persistence.enabled=true", "--set", "redis.persistence.enabled=true")
    try:
        release.install(*kept)
        press(release, 3)
        secret, value = release.secret(), release.counter()
        release.uninstall()
        claims = release.kubectl("get", "persistentvolumeclaims", "--output", "name").split()
        verdicts.say("again: uninstall leaves the volumes, and them alone", len(claims) == 2, ", ".join(claims))
        release.helm("install", release.name, str(ROOT / "charts/tandem"), *WAIT, *release.options, *kept)
        verdicts.say("again: the Secret is a new one", secret != release.secret())
        verdicts.say("again: the data are the old ones", value == release.counter(), value)
        test(release, verdicts)
    finally:
        release.delete_namespace()


PRESS = """
import sys
from urllib.request import Request, urlopen
for _ in range(int(sys.argv[2])):
    urlopen(Request(sys.argv[1], b"{}", {"Content-Type": "application/json"}), timeout=10)
"""


def press(release: Release, times: int) -> None:
    """Press the counter, inside of an api's pod."""
    url = "http://127.0.0.1:8000/api/counters/demo/increment/"
    release.python("api", PRESS, url, str(times))


def last_release(release: Release, verdicts: Verdicts) -> None:
    """Install the last release, upgrade under 300 visitors, have old and new pods together, roll back."""
    options = shlex.split(os.environ.get("LAST_HELM", ""))
    release = Release(f"{release.namespace}-last", release.options)
    old = Release(release.namespace, options)
    with tempfile.TemporaryDirectory() as folder:
        archive = f"{folder}/chart.tar"
        run("git", "-C", str(ROOT), "archive", "--format=tar", f"--output={archive}", LAST, "charts/tandem")
        run("tar", "-C", folder, "-xf", archive)
        chart = Path(folder) / "charts" / "tandem"
        values = json.dumps({"channelNamespaces": together.NAMESPACES})
        try:
            old.create_namespace()
            old.helm("install", old.name, str(chart), *WAIT, *options, "--values", "-", text=values)
            verdicts.say(f"install of {LAST}", not old.unready())
            secret, before = old.secret(), release.objects("deployments", "app.kubernetes.io/component=realtime")[0]
            with visiting(old, "--readers=10", image=release.option("realtime.image")) as crowd:
                press(release, 2)
                began = time.monotonic()
                release.upgrade(*release.options)
                verdicts.say("upgrade from it", not release.unready(), f"{time.monotonic() - began:.0f} s")
                gone(release, "realtime")
                gone(release, "edge")
            judge(verdicts, "upgrade from it", crowd.report, closes=("3001", "1006"), told=True)
            kept = json.loads(secret).items() <= json.loads(release.secret()).items()
            verdicts.say("upgrade from it: what was in the Secret is kept", kept)
            test(release, verdicts)
            together.check(release, verdicts, before, "new api, old and new realtime")
            with visiting(release, "--readers=10") as crowd:
                began = time.monotonic()
                release.helm("rollback", release.name, "1", "--wait", "--timeout", "5m")
                verdicts.say("rollback to it", not release.unready(), f"{time.monotonic() - began:.0f} s")
                gone(release, "realtime")
                gone(release, "edge")
            # No pods side by side here: 0.1's Redis knows no user, so those that go are without Redis until they have
            # gone. Their clients are told.
            judge(verdicts, "rollback to it", crowd.report, closes=("3001", "1006"), told=True)
        finally:
            release.delete_namespace()


def applied_twice(release: Release, verdicts: Verdicts) -> None:
    """The kustomization of k8s/manifests applied twice: nothing is configured the second time."""
    release = Release(f"{release.namespace}-kustomize", release.options)
    folder = str(ROOT / "k8s" / "manifests")
    try:
        release.create_namespace()
        run(str(ROOT / "k8s" / "create-secret.sh"), "--namespace", release.namespace)
        release.kubectl("apply", "--kustomize", folder)
        changed = not_unchanged(release.kubectl("apply", "--kustomize", folder))
        verdicts.say("apply -k twice: nothing configured the second time", not changed, ", ".join(changed))
    finally:
        release.delete_namespace()
