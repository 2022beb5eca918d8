"""Write charts/tandem/dashboards/live-connections.json: `python -m charts.dashboards`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .annotations import ANNOTATIONS
from .links import LINKS
from .panels import DATASOURCE, Panel
from .rows import ROWS

TARGET = Path(__file__).parent.parent / "tandem" / "dashboards" / "live-connections.json"
UID = "tandem-live-connections"
WIDTH = 24


def place() -> list[Panel]:
    """Lay the rows out below each other."""
    placed: list[Panel] = []
    top = 0
    for title, (panels, width, height) in ROWS.items():
        placed.append(
            {"type": "row", "title": title, "collapsed": False, "gridPos": _grid(0, top, WIDTH, 1), "panels": []}
        )
        top += 1
        made = panels()
        for number, panel in enumerate(made):
            column, line = number % (WIDTH // width), number // (WIDTH // width)
            placed.append({**panel, "gridPos": _grid(column * width, top + line * height, width, height)})
        top += -(-len(made) * width // WIDTH) * height
    return [{"id": number, **panel} for number, panel in enumerate(placed, 1)]


def _grid(x: int, y: int, w: int, h: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": w, "h": h}


def variable(name: str, label: str, expression: str) -> dict[str, Any]:
    """A variable of any number of label values; "All" also matches series that lack the label."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": expression, "refId": name},
        "definition": expression,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "options": [],
        "hide": 0,
    }


def dashboard() -> dict[str, Any]:
    """Return the whole dashboard in Grafana's classic form."""
    source = {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "multi": False,
        "includeAll": False,
        "current": {},
        "options": [],
        "hide": 0,
    }
    return {
        "id": None,
        "uid": UID,
        "title": "Tandem: live connections",
        "description": "Open sockets, what reaches them, and what does not. From the chart; edit charts/dashboards/.",
        "tags": ["tandem"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [
                source,
                variable("namespace", "Namespace", "label_values(tandem_draining, namespace)"),
                variable("pod", "Realtime pod", 'label_values(tandem_draining{namespace=~"$namespace"}, pod)'),
            ]
        },
        "annotations": {"list": ANNOTATIONS},
        "links": LINKS,
        "panels": place(),
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps(dashboard(), indent=2) + "\n", encoding="utf-8")
