"""The forms of the dashboard's panels: a number, lines, a heatmap; and the queries that they have in common."""

from __future__ import annotations

from typing import Any

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
PODS = 'namespace=~"$namespace", pod=~"$pod"'
API = 'namespace=~"$namespace"'  # the api's and Redis' pods have other names than the realtime ones

Panel = dict[str, Any]
GREEN, ORANGE, RED, BLUE = "green", "orange", "red", "blue"


def query(expression: str, legend: str = "", **more: Any) -> dict[str, Any]:
    """One query; `PODS` and `API` stand for the selectors of the variables."""
    text = expression.replace("PODS", PODS).replace("API", API)
    return {"expr": text, "legendFormat": legend or "__auto", "datasource": DATASOURCE, "editorMode": "code", **more}


def stat(
    title: str, help_: str, expression: str, *, unit: str = "short", steps: list[tuple[str, float]] | None = None
) -> Panel:
    """One number, coloured by *steps* (colour, from which value on)."""
    thresholds: list[dict[str, Any]] = [{"color": BLUE if steps is None else GREEN, "value": None}]
    thresholds += [{"color": colour, "value": value} for colour, value in steps or []]
    options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "background"}
    panel = _panel(
        "stat", title, help_, [query(expression)], unit, options | {"graphMode": "area", "textMode": "value"}
    )
    panel["fieldConfig"]["defaults"]["thresholds"] = {"mode": "absolute", "steps": thresholds}
    panel["fieldConfig"]["defaults"]["color"] = {"mode": "thresholds"}
    return panel


def lines(
    title: str, help_: str, *queries: dict[str, Any], unit: str = "short", stacked: bool = False, aside: str = ""
) -> Panel:
    """Lines over time; *stacked* where the sum means something. The line *aside* has its own axis, to the right."""
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    panel = _panel("timeseries", title, help_, list(queries), unit, options)
    panel["fieldConfig"]["defaults"]["min"] = 0
    panel["fieldConfig"]["defaults"]["color"] = {"mode": "palette-classic"}
    panel["fieldConfig"]["defaults"]["custom"] = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 30 if stacked else 8,
        "showPoints": "never",
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
    }
    if aside:
        to_the_right = {"id": "custom.axisPlacement", "value": "right"}
        panel["fieldConfig"]["overrides"] = [
            {"matcher": {"id": "byName", "options": aside}, "properties": [to_the_right]}
        ]
    return panel


def heatmap(title: str, help_: str, expression: str) -> Panel:
    """The buckets of a histogram over time."""
    options = {
        "calculate": False,
        "color": {"mode": "scheme", "scheme": "Turbo", "steps": 64, "exponent": 0.5, "fill": BLUE, "reverse": False},
        "yAxis": {"unit": "s", "decimals": None, "reverse": False},
        "cellGap": 1,
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": False},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
    }
    return _panel("heatmap", title, help_, [query(expression, "{{le}}", format="heatmap")], "short", options)


def _panel(
    kind: str, title: str, help_: str, queries: list[dict[str, Any]], unit: str, options: dict[str, Any]
) -> Panel:
    return {
        "type": kind,
        "title": title,
        "description": help_,
        "datasource": DATASOURCE,
        "targets": [{**target, "refId": chr(ord("A") + number)} for number, target in enumerate(queries)],
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "options": options,
    }


def rate(metric: str, by: str, selector: str = "PODS") -> str:
    """Return the query for the rate of a counter, summed over everything but *by*."""
    return f"sum by ({by}) (rate({metric}{{{selector}}}[$__rate_interval]))"


def quantile(q: float, metric: str, by: str = "le", selector: str = "PODS") -> str:
    """Return the query for a quantile of a histogram."""
    return f"histogram_quantile({q}, {rate(metric + '_bucket', by, selector)})"
