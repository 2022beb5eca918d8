"""Where one goes from here at night: what to do about an alert, and who is connected right now."""

from __future__ import annotations

from typing import Any

# The chart puts its own addresses in the place of both (templates/monitoring/dashboards-configmap.yaml).
RUNBOOK = "https://github.com/tandem-django/tandem/blob/main/charts/tandem/RUNBOOK.md"
LIVE_PAGE = "http://localhost:9000/admin/tandem_monitor/connection/"  # of `make demo` and `make forward`


def link(title: str, url: str, tooltip: str) -> dict[str, Any]:
    """A link at the dashboard's top, in a tab of its own."""
    return {
        "type": "link",
        "title": title,
        "url": url,
        "tooltip": tooltip,
        "icon": "external link",
        "targetBlank": True,
        "asDropdown": False,
        "includeVars": False,
        "keepTime": False,
        "tags": [],
    }


LINKS = [
    link("Runbook", RUNBOOK, "What each alert means, where to look, what to do"),
    link("Live connections", LIVE_PAGE, "Who is connected now, to which channels; tap one and watch"),
]
