"""What cannot work: refused with a sentence, or named by the report when the cluster refuses it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.impossible import SENTENCES

from .. import diagnosis
from ..kube import CHART, Refused, Release, run, until
from ..verdicts import Verdicts
from .arrangements import definitions


def guards(release: Release, verdicts: Verdicts) -> None:
    """Each guard's sentence ends an install on the real API server, which takes what `helm template` makes."""
    release = Release(f"{release.namespace}-guards", release.options)
    definitions(verdicts)
    try:
        release.create_namespace()
        for what, values, sentence in SENTENCES:
            said = refused(release, json.dumps(values))
            verdicts.say(f"guard: {what}", said.endswith(sentence), said[-200:])
        for path in sorted((CHART / "ci").glob("*-values.yaml")):
            accepted(release, verdicts, path)
    finally:
        release.delete_namespace()


def refused(release: Release, values: str) -> str:
    """Return with what sentence the install ends, or nothing."""
    try:
        release.helm("install", "tandem", str(CHART), "--dry-run=server", "--values", "-", text=values)
    except Refused as refusal:
        return str(refusal)
    return ""


def accepted(release: Release, verdicts: Verdicts, values: Path) -> None:
    """Say whether the server takes what `helm template` makes of *values*."""
    manifest = release.helm("template", "tandem", str(CHART), "--values", str(values))
    try:
        said = release.kubectl("apply", "--server-side", "--dry-run=server", "--filename", "-", text=manifest)
    except Refused as refusal:
        verdicts.say(f"server takes {values.name}", False, str(refusal)[-300:])
        return
    verdicts.say(f"server takes {values.name}", True, f"{len(said.splitlines())} objects")


@dataclass(frozen=True)
class Broken:
    """An install that cannot become ready, and what the report's first line must have in it."""

    name: str
    options: tuple[str, ...]
    words: tuple[str, ...]
    prepare: Callable[[Release], None] = lambda release: None


def small_quota(release: Release) -> None:
    """Let the namespace have three pods."""
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "small"},
        "spec": {"hard": {"pods": "3"}},
    }
    release.kubectl("create", "--filename", "-", text=json.dumps(quota))


BROKEN = (
    Broken("wrong image", ("--set", "realtime.image=localhost/nobody/has-this:1"), ("tandem-realtime", "has-this")),
    Broken("wrong Secret", ("--set", "secrets.existingSecret=nobody-made-this"), ("Pod tandem-", "nobody-made-this")),
    Broken(
        "PVC that cannot bind",
        ("--set", "redis.persistence.enabled=true", "--set", "redis.persistence.storageClassName=no-such-class"),
        ("PersistentVolumeClaim data-tandem-redis-0", "no-such-class"),
    ),
    Broken("quota too small", (), ("cannot make its pods", "exceeded quota: small"), small_quota),
)
GIVE_UP = "25s"


def broken(release: Release, verdicts: Verdicts) -> None:
    """`helm install --wait` ends, and the report's first line says what is wrong."""
    for each in BROKEN:
        home = Release(f"{release.namespace}-broken", release.options)
        try:
            home.create_namespace()
            each.prepare(home)
            began = time.monotonic()
            said = ""
            try:
                home.helm("install", "tandem", str(CHART), "--wait", "--timeout", GIVE_UP, *home.options, *each.options)
            except Refused as refusal:
                said = str(refusal)
            verdicts.say(f"{each.name}: helm install --wait ends", said, f"{time.monotonic() - began:.0f} s")
            reported(home, verdicts, each.name, each.words)
        finally:
            home.delete_namespace()
    rotated(Release(f"{release.namespace}-broken", release.options), verdicts)


def reported(release: Release, verdicts: Verdicts, what: str, words: tuple[str, ...]) -> None:
    """Say whether the report names it first."""
    said = run("python3", "-m", "cluster.diagnosis", release.namespace, environ={"PYTHONPATH": str(CHART.parent)})
    first = said.splitlines()[0]
    verdicts.say(f"{what}: the report's first line says it", all(word in first for word in words), first)


def rotated(release: Release, verdicts: Verdicts) -> None:
    """Redis' password is another one in the Secret than the running Redis has, and a pod of realtime is new."""
    try:
        release.install()
        new: dict[str, Any] = {"data": {"redis-password": base64.b64encode(b"anotherone").decode()}}
        release.kubectl("patch", "secret", release.full, "--patch", json.dumps(new))
        release.kubectl("rollout", "restart", f"deployment/{release.full}-realtime")
        try:
            release.helm("upgrade", "tandem", str(CHART), "--reuse-values", "--wait", "--timeout", GIVE_UP)
            said = ""
        except Refused as refusal:
            said = str(refusal)
        verdicts.say("rotated Redis password: helm upgrade --wait ends", said, said[-120:])
        until(lambda: "password" in " ".join(str(fault) for fault in diagnosis.faults(release.namespace)), 30, 2)
        reported(release, verdicts, "rotated Redis password", ("tandem-realtime", "password"))
        release.kubectl("rollout", "restart", f"statefulset/{release.full}-redis", f"deployment/{release.full}-api")
        took = until(lambda: not release.unready(), 120, 1)
        verdicts.say("rotated Redis password: whole once Redis is restarted", took is not None, f"{took} s")
    finally:
        release.delete_namespace()
