"""What happened, marked in every panel: new processes, drains, connections to Redis that were lost."""

from __future__ import annotations

from typing import Any

from .panels import BLUE, DATASOURCE, ORANGE, PODS, RED


def annotation(name: str, expression: str, text: str, color: str) -> dict[str, Any]:
    """A mark wherever *expression* has a value above zero."""
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": color,
        "expr": expression.replace("PODS", PODS),
        "step": "15s",
        "titleFormat": name,
        "textFormat": text,
        "tagKeys": "pod",
    }


ANNOTATIONS = [
    annotation(
        "Deploy", "(tandem_draining{PODS} + 1) unless (tandem_draining{PODS} offset 1m)", "{{pod}} is new", BLUE
    ),
    annotation("Drain", "tandem_draining{PODS} > 0", "{{pod}} closes its sockets one by one", ORANGE),
    annotation(
        "Redis lost",
        "increase(tandem_layer_reconnects_total{PODS}[1m]) > 0",
        "{{pod}} lost its connection to Redis and has it again: a restart or a failover",
        RED,
    ),
]
