"""The dashboard: Grafana's schema, a layout that reads on a phone, and only metrics that the code has."""

from __future__ import annotations

import itertools
import json
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from dashboards.__main__ import TARGET, dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from prometheus_client import REGISTRY

import tandem.metrics  # noqa: F401 - its metrics register themselves
from tandem_realtime.observing import exposition, metrics

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # "prefer v2": Grafana 13 does not provision v2 from files
    from grafana_foundation_sdk.models.dashboard import Dashboard

register_default_plugins()

ROOT = Path(__file__).parent.parent.parent
RULES = ROOT / "charts" / "tandem" / "alerts" / "tandem.yaml"
SOURCE: dict[str, Any] = json.loads(TARGET.read_text())
PANELS = [panel for panel in SOURCE["panels"] if panel["type"] != "row"]
TITLES = [panel["title"] for panel in PANELS]
# Metrics of the official Redis exporter, of prometheus_client's process collector, and of Prometheus itself.
FOREIGN = re.compile(
    r"redis_(up|memory_used_bytes|memory_max_bytes|connected_clients|commands_processed_total)|process_\w+|ALERTS"
)


def names_in_code() -> set[str]:
    """Return every sample name that the two services expose."""
    metrics.observe_canary(lambda: 0.0)
    families = itertools.chain(exposition.registry.collect(), REGISTRY.collect())
    names = set()
    for family in families:
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        names |= {family.name + suffix for suffix in suffixes}
    metrics.forget()
    return names


def names_in(expression: str) -> set[str]:
    """Return the metric names of a PromQL expression."""
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]|\bby \([^)]*\)', "", expression)
    return set(re.findall(r"\b(?:tandem|redis|process)_\w+|\bALERTS\b", bare))


def fields_lost(given: Any, kept: Any, path: str = "") -> list[str]:
    """Return the paths that are in *given* and not, or not the same, in *kept*."""
    if isinstance(given, dict):
        return [
            lost
            for key, value in given.items()
            if value is not None
            for lost in (
                fields_lost(value, kept[key], f"{path}.{key}")
                if isinstance(kept, dict) and key in kept
                else [f"{path}.{key}"]
            )
        ]
    if isinstance(given, list):
        if not isinstance(kept, list) or len(given) != len(kept):
            return [path]
        return [lost for n, value in enumerate(given) for lost in fields_lost(value, kept[n], f"{path}[{n}]")]
    return [] if given == kept else [path]


def through_schema(source: dict[str, Any]) -> Any:
    """Read *source* with the types that Grafana publishes and write it again."""
    return json.loads(JSONEncoder().encode(Dashboard.from_json(source)))


def test_the_file_is_what_the_code_writes():
    """`python -m charts.dashboards` leaves the file as it is."""
    assert dashboard() == SOURCE


def test_grafana_knows_every_field():
    """Read by Grafana's own types and written again, no field is lost or changed."""
    assert fields_lost(SOURCE, through_schema(SOURCE)) == []


def test_the_schema_notices_a_field_that_grafana_does_not_know():
    """The test above would fail for a misspelt field, at any depth."""
    broken = json.loads(TARGET.read_text())
    broken["panels"][1]["fieldConfig"]["defaults"]["units"] = "s"
    broken["panels"][8]["options"]["legend"]["showlegend"] = True

    assert fields_lost(broken, through_schema(broken)) == [
        ".panels[1].fieldConfig.defaults.units",
        ".panels[8].options.legend.showlegend",
    ]


def test_it_can_be_provisioned_from_a_file():
    """Classic form, no id of some other Grafana, a uid that links can rely on."""
    assert SOURCE["schemaVersion"] <= 42
    assert (SOURCE["id"], SOURCE["uid"]) == (None, "tandem-live-connections")
    assert [variable["name"] for variable in SOURCE["templating"]["list"]] == ["datasource", "namespace", "pod"]


@pytest.mark.parametrize("panel", PANELS, ids=TITLES)
def test_each_panel_follows_the_variables(panel: dict[str, Any]):
    """No panel is tied to one data source or shows another namespace than the one chosen; each says what it shows."""
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert panel["description"]
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"]
        assert "$namespace" in target["expr"]


def test_no_two_panels_overlap():
    """Everything lies inside the 24 columns, and a phone's order (by row, then column) is the file's order."""
    cells: set[tuple[int, int]] = set()
    for panel in SOURCE["panels"]:
        at = panel["gridPos"]
        covered = set(itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))
        assert not covered & cells, panel["title"]
        assert at["x"] + at["w"] <= 24
        cells |= covered

    order = [(panel["gridPos"]["y"], panel["gridPos"]["x"]) for panel in SOURCE["panels"]]
    assert order == sorted(order)


@pytest.mark.parametrize("panel", PANELS, ids=TITLES)
def test_each_panel_asks_for_metrics_that_the_code_has(panel: dict[str, Any]):
    """A name in the dashboard is a name in the code."""
    names = set().union(*(names_in(target["expr"]) for target in panel["targets"]))

    assert names
    assert {name for name in names if not FOREIGN.fullmatch(name)} <= names_in_code()


def test_alerts_ask_for_metrics_that_the_code_has():
    """A name in an alert is a name in the code."""
    expressions = [rule["expr"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    names = set().union(*map(names_in, expressions))

    assert {name for name in names if not FOREIGN.fullmatch(name)} <= names_in_code()


def test_every_metric_of_ours_is_shown():
    """What is counted and shown nowhere need not be counted."""
    shown = set().union(*(names_in(target["expr"]) for panel in PANELS for target in panel["targets"]))
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in names_in_code() if name.startswith("tandem_")}

    assert {name for name in families if name not in {re.sub(r"_bucket$", "", name) for name in shown}} == set()


def test_what_happened_is_marked() -> None:
    """New processes, drains and lost connections to Redis, by metrics that the code has."""
    marks = {each["name"]: each for each in SOURCE["annotations"]["list"]}

    assert list(marks) == ["Deploy", "Drain", "Redis lost"]
    assert {name for each in marks.values() for name in names_in(each["expr"])} <= names_in_code()


def test_what_was_received_is_seen_beside_what_was_delivered() -> None:
    """A publication is delivered to thousands: on one axis what was received would lie at the bottom."""
    panel = next(panel for panel in PANELS if panel["title"] == "Publications")
    legends = {target["legendFormat"] for target in panel["targets"]}

    assert panel["fieldConfig"]["overrides"] == [
        {
            "matcher": {"id": "byName", "options": "received"},
            "properties": [{"id": "custom.axisPlacement", "value": "right"}],
        }
    ]
    assert "received" in legends


def test_links_lead_to_the_runbook_and_the_live_page() -> None:
    """The live page's is where Django has it, the runbook's a file that is there."""
    runbook, live = (each["url"] for each in SOURCE["links"])

    assert runbook.endswith("/main/charts/tandem/RUNBOOK.md")
    assert live.endswith(":9000/admin/tandem_monitor/connection/")
