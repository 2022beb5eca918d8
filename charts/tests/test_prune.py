"""The CronJob that prunes the inbox: off unless asked for, and the api's image with its own command."""

from __future__ import annotations

from tools.helm import render, value_sets
from tools.looking import containers, env, of_kind, one, pod_specs


def test_it_is_off_unless_asked_for() -> None:
    """A project without the inbox has nothing to prune; with SQLite another pod cannot have the file."""
    assert of_kind(render(), "CronJob") == {}
    assert of_kind(render({**value_sets()["sqlite"], "prune": {"enabled": True}}), "CronJob") == {}


def test_it_runs_the_teams_command_every_night() -> None:
    """One at a time, with the api's environment; a command of one's own takes the place of ours."""
    job = one(render({"prune": {"enabled": True}}), "CronJob", "tandem-prune")["spec"]
    spec = job["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = containers(spec)
    own = dict(pod_specs(render({"prune": {"enabled": True, "command": ["clean-up"]}})))["prune"]

    assert (job["schedule"], job["concurrencyPolicy"]) == ("23 3 * * *", "Forbid")
    assert container["command"] == ["python", "-m", "api", "tandem", "prune"]
    assert {"DATABASE_URL", "TANDEM_REDIS_URLS"} <= set(env(container))
    assert spec["restartPolicy"] == "OnFailure"
    assert own["containers"][0]["command"] == ["clean-up"]
