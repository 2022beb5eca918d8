"""A real Prometheus that scrapes the processes of a test, and the chart's queries as it takes them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import yaml

from demo.monitor import ALERTS, DASHBOARD, prometheus_command, write_config
from rig.servers import Server, find_program, free_port, wait_until

NAMESPACE = "test"
VARIABLES = {"$namespace": ".*", "$pod": ".*", "$__rate_interval": "15s", "$__range": "5m"}
Series = dict[str, Any]


class Prometheus(Server):
    """Scrapes *targets*, (job, pod) to port, every *interval*, and evaluates the chart's alerts as often."""

    def __init__(self, directory: Path, targets: Mapping[tuple[str, str], int], *, interval: str = "1s") -> None:
        port = free_port()
        config = write_config(directory, targets, namespace=NAMESPACE, interval=interval)
        command = prometheus_command(find_program("prometheus"), config, port)
        super().__init__(command, port, log=directory / "prometheus.log")
        self.url = f"http://127.0.0.1:{port}"

    def query(self, expression: str, *, ago: float = 0) -> list[Series]:
        """Return the series of an instant query, as it was so many seconds *ago*, each with `metric` and `value`."""
        return self._ask("query", query=expression, time=time.time() - ago)

    def query_range(self, expression: str, seconds: float, step: float = 1) -> list[Series]:
        """Return the series of the last *seconds*, each with `metric` and `values`."""
        now = time.time()
        return self._ask("query_range", query=expression, start=now - seconds, end=now, step=step)

    def value(self, expression: str, *, ago: float = 0) -> float | None:
        """Return the one number that *expression* gives, or gave; None when it gives none."""
        found = self.query(expression, ago=ago)
        return float(found[0]["value"][1]) if found else None

    def wait_for(self, expression: str, value: float, *, seconds: float) -> float:
        """Wait until *expression* is *value*, and return how many seconds that took."""
        started = time.monotonic()
        seen: list[float | None] = []

        def is_reached() -> bool:
            seen.append(self.value(expression))
            return seen[-1] == value

        try:
            wait_until(is_reached, seconds=seconds, what=f"{expression} == {value}")
        except TimeoutError as error:
            raise TimeoutError(f"{error}; it was {seen[-1]}") from error
        return time.monotonic() - started

    def _ask(self, what: str, **parameters: Any) -> list[Series]:
        answer = httpx.post(f"{self.url}/api/v1/{what}", data=parameters, timeout=10).json()
        assert answer["status"] == "success", (parameters, answer)
        return list(answer["data"]["result"])


class PanelQuery(NamedTuple):
    """One query of a panel of the dashboard, its variables filled in."""

    panel: str
    legend: str
    expression: str


def panel_queries() -> Iterator[PanelQuery]:
    """Go through every query of the dashboard."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            yield PanelQuery(panel["title"], target["legendFormat"], fill_in(target["expr"]))


def alert_expressions() -> dict[str, str]:
    """Return the expression of each alert by its name."""
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    return {rule["alert"]: rule["expr"] for rule in rules}


def fill_in(expression: str) -> str:
    """Replace the dashboard's variables as Grafana does for "All" and a short time."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression
