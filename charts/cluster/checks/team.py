"""A team's own project on the cluster: its image, its migrations, its worker, its private page through the edge."""

from __future__ import annotations

import os
from pathlib import Path

from ..crowd import run_python
from ..kube import CHART, WAIT, Release
from ..verdicts import Verdicts
from .first_day import test

SCRIPT = (Path(__file__).parent.parent / "customer.py").read_text()


def team(release: Release, verdicts: Verdicts) -> None:
    """$TEAM_IMAGE is what `startproject` made, with the Dockerfile of the chart's README (`make team-image`)."""
    image = os.environ.get("TEAM_IMAGE", "docker.io/library/tandem-team:dev")
    release = Release(f"{release.namespace}-team", release.options)
    options = ("--set", f"api.image={image}", "--set", "api.manage={python,manage.py}", "--set", "prune.enabled=false")
    try:
        release.create_namespace()
        release.helm("install", release.name, str(CHART), *WAIT, *release.options, *options)
        verdicts.say("team: whole", not release.unready())
        job = release.objects("jobs", "app.kubernetes.io/component=migrate")
        verdicts.say("team: migrated", job and job[0]["status"].get("succeeded") == 1)
        worker = release.kubectl("logs", f"deployment/{release.full}-outbox", "--container", "outbox")
        verdicts.say(
            "team: the worker runs",
            not release.restarts(),
            worker.strip().splitlines()[-1][:120] if worker.strip() else "silent",
        )
        user = (
            "from django.contrib.auth.models import User; from orders.models import Order; "
            "users = [User.objects.create_user(n, password='a long one of hers') for n in ('ada', 'ben')]; "
            "print(Order.objects.create(owner=users[0]).pk)"
        )
        said = release.kubectl(
            "exec",
            f"deployment/{release.full}-api",
            "--container",
            "api",
            "--",
            "python",
            "manage.py",
            "shell",
            "-c",
            user,
        )
        told = run_python(release, SCRIPT, f"{release.full}-edge", said.split()[-1])
        for line in told.splitlines():
            if line.startswith(("PASS ", "FAIL ")):
                verdicts.say(f"team: {line[5:]}", line.startswith("PASS"))
            else:
                verdicts.note(line)
        verdicts.say("team: the page was tried", told.endswith("whole\n"))
        test(release, verdicts)
    finally:
        release.delete_namespace()
