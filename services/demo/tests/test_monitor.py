"""What ``make monitor`` hands to Prometheus."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from demo import monitor
from demo.problem import Problem
from demo.settings import Settings
from rig.servers import find_program

TARGETS = {("realtime", "realtime-0"): 9004, ("realtime", "realtime-1"): 9104, ("api", "api-0"): 9002}


def test_targets_are_labelled_as_in_a_cluster(tmp_path: Path) -> None:
    """Job, namespace and pod, which the dashboard and the alerts go by; the alerts are the chart's."""
    config = json.loads(monitor.write_config(tmp_path / "new", TARGETS, namespace="demo").read_text())

    [realtime, api] = config["scrape_configs"]
    assert (realtime["job_name"], api["job_name"]) == ("realtime", "api")
    assert realtime["static_configs"][1] == {
        "targets": ["127.0.0.1:9104"],
        "labels": {"namespace": "demo", "pod": "realtime-1"},
    }
    assert [Path(path).exists() for path in config["rule_files"]] == [True]


def test_prometheus_accepts_it(tmp_path: Path) -> None:
    """promtool finds nothing wrong, the alerts included."""
    config = monitor.write_config(tmp_path, TARGETS, namespace="demo")

    checked = subprocess.run(
        [find_program("promtool"), "check", "config", config], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stderr


def test_without_prometheus_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One sentence, no traceback."""
    monkeypatch.setattr(shutil, "which", lambda *_: None)

    with pytest.raises(
        Problem, match=r"^Prometheus is not installed \(on Debian or Ubuntu: apt-get install prometheus\)\.$"
    ):
        monitor.run(Settings.from_environ({"DEMO_DIR": str(tmp_path)}))
