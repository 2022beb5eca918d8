"""The alert rules: valid, tested for firing and for silence, each with its section in the runbook."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from rig.servers import find_program

CHART = Path(__file__).parent.parent / "tandem"
RULES = CHART / "alerts" / "tandem.yaml"
CASES = Path(__file__).parent / "alerts.test.yaml"
ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
]
NAMES = [alert["alert"] for alert in ALERTS]


def sections(markdown: str) -> dict[str, str]:
    """Return the second-level sections of *markdown* by the anchor that a reader's link jumps to."""
    parts = re.split(r"^## (.+)$", markdown, flags=re.MULTILINE)[1:]
    return {title.lower().replace(" ", "-"): body for title, body in zip(parts[::2], parts[1::2], strict=True)}


def test_promtool_accepts_the_rules():
    """Every expression parses."""
    checked = subprocess.run([find_program("promtool"), "check", "rules", RULES], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_case_holds():
    """`promtool test rules`: each alert fires when it should, in time, and is silent when it should be."""
    tested = subprocess.run([find_program("promtool"), "test", "rules", CASES], capture_output=True, text=True)

    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_has_cases_for_both(name: str):
    """An alert without a case that fires, or without one that is silent, is not tested."""
    checks = [
        bool(check.get("exp_alerts"))
        for case in yaml.safe_load(CASES.read_text())["tests"]
        for check in case["alert_rule_test"]
        if check["alertname"] == name
    ]

    assert set(checks) == {True, False}


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_each_alert_leads_to_its_section(alert: dict[str, Any]):
    """The runbook's link resolves to a section that says what it means, where to look and what to do."""
    file, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    section = sections((CHART / file).read_text()).get(anchor, "")

    assert anchor == alert["alert"].lower()
    assert [word for word in ("**Means.**", "**Look.**", "**Do.**") if word not in section] == []


def test_the_runbook_has_no_section_too_many():
    """Every section belongs to an alert, and links inside the runbook resolve."""
    text = (CHART / "RUNBOOK.md").read_text()
    anchors = set(sections(text))

    assert anchors == {name.lower() for name in NAMES}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_each_alert_says_how_bad_and_what(alert: dict[str, Any]):
    """Severity, summary and description: what a pager needs."""
    assert alert["labels"]["severity"] in {"warning", "critical"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
