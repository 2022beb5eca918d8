"""
Draw the dashboard's panels from the dashboard's own queries on a recorded run, for the README.

``make panels`` writes `.github/images/live-connections.png`: what one gets, without a Grafana at hand.
"""

from __future__ import annotations

import json
import math
import re
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter, date2num
from matplotlib.figure import Figure

from demo.monitor import DASHBOARD
from demo.settings import ROOT
from rig.busy import BusyRun
from rig.prometheus import Prometheus, fill_in

TARGET = ROOT / ".github" / "images" / "live-connections.png"
RUN_SECONDS = 180.0
CLIENTS = 400
LAST_SECONDS = 10.0  # before the end, when the clients leave
SHOWN = (
    *("Connections now", "Oldest canary", "Commit to browser, p99", "Told to reload"),
    *("Connections by pod", "Disconnects by code", "Commit to send", "Delivery latency"),
    *("Publications", "Recoveries", "Event loop lag, p99", "Requests by status"),
)
DARK, PALE, GRID = "#111217", "#ccccdc", "#2c2f36"
COLOURS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#96d98d")
MARKS = ("#f2495c", "#ff9830")
UNITS = {"s": "s", "cps": "/s", "bytes": "B", "Bps": "B/s", "reqps": "/s", "short": ""}


def main() -> int:
    """Run, record, draw."""
    with tempfile.TemporaryDirectory() as directory, BusyRun(Path(directory), clients=CLIENTS) as run:
        run.act(RUN_SECONDS)
        figure = draw(run.prometheus, RUN_SECONDS, run.marks)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(TARGET, dpi=110, facecolor=DARK)
    print(TARGET.relative_to(ROOT))
    return 0


def draw(prometheus: Prometheus, seconds: float, marks: Mapping[str, datetime]) -> Figure:
    """Draw the panels of SHOWN over the last *seconds*, four in the first row, two in the others; *marks* in those."""
    panels = {panel["title"]: panel for panel in json.loads(DASHBOARD.read_text())["panels"]}
    figure = Figure(figsize=(14, 15), layout="constrained")
    grid = figure.add_gridspec(5, 4, height_ratios=[0.45, 1, 1, 1, 1])
    for number, title in enumerate(SHOWN):
        row, column = (0, number) if number < 4 else (1 + (number - 4) // 2, (number - 4) % 2 * 2)
        width = 1 if number < 4 else 2
        axes = figure.add_subplot(grid[row, column : column + width])
        _style(axes, title)
        _DRAWERS[panels[title]["type"]](axes, panels[title], prometheus, seconds)
        if number >= 4:
            _mark(axes, marks)
    figure.suptitle("Tandem: live connections", color=PALE, fontsize=15, x=0.02, ha="left")
    return figure


def _mark(axes: Axes, marks: Mapping[str, datetime]) -> None:
    """A line where something was done to the run, with what it was: the dashboard's annotations draw the same."""
    for (name, moment), colour in zip(marks.items(), MARKS, strict=False):
        axes.axvline(date2num(moment), color=colour, linewidth=1, linestyle="--")
        text = axes.text(date2num(moment), 0.02, f" {name}", color=colour, transform=axes.get_xaxis_transform())
        text.set_fontsize(7)


def _style(axes: Axes, title: str) -> None:
    axes.set_facecolor("#181b1f")
    axes.set_title(title, color=PALE, fontsize=10, loc="left")
    axes.tick_params(colors=PALE, labelsize=8)
    for spine in axes.spines.values():
        spine.set_color(GRID)


def _stat(axes: Axes, panel: dict[str, Any], prometheus: Prometheus, seconds: float) -> None:
    value = prometheus.value(fill_in(panel["targets"][0]["expr"]), ago=LAST_SECONDS) or 0.0
    defaults = panel["fieldConfig"]["defaults"]
    steps = [step for step in defaults["thresholds"]["steps"] if step["value"] is None or value >= step["value"]]
    names = {"green": "#299c46", "orange": "#ed8128", "red": "#d44a3a", "blue": "#1f60c4"}
    axes.set_facecolor(names[steps[-1]["color"]])
    axes.set_xticks([])
    axes.set_yticks([])
    text = (
        f"{value * 1000:.0f} ms" if defaults["unit"] == "s" and value < 1 else f"{value:.0f} {UNITS[defaults['unit']]}"
    )
    axes.text(0.5, 0.5, text.strip(), color="white", fontsize=20, ha="center", va="center", transform=axes.transAxes)


def _lines(axes: Axes, panel: dict[str, Any], prometheus: Prometheus, seconds: float) -> None:
    lines: dict[str, tuple[list[datetime], list[float]]] = {}
    for target in panel["targets"]:
        for series in prometheus.query_range(fill_in(target["expr"]), seconds):
            lines[_legend(target["legendFormat"], series["metric"])] = _points(series["values"])
    defaults = panel["fieldConfig"]["defaults"]
    is_stacked = defaults["custom"]["stacking"]["mode"] == "normal"
    if is_stacked:
        _stack(axes, lines)
    else:
        aside = [each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]]
        right = axes.twinx() if aside else axes
        for (label, (times, values)), colour in zip(lines.items(), COLOURS * 3, strict=False):
            drawn = right if label in aside else axes
            drawn.plot(times, values, color=colour, linewidth=1.2, label=label)
            if drawn is not axes:  # the legend is the left axis's
                axes.plot([], [], color=colour, label=f"{label} (right)")
        if aside:
            right.set_ylim(bottom=0, top=right.get_ylim()[1] * 1.2)
            right.tick_params(colors=PALE, labelsize=8)
    axes.set_ylim(bottom=0, top=axes.get_ylim()[1] * 1.2)  # room for the legend
    axes.set_axisbelow(True)
    axes.set_ylabel(UNITS[defaults["unit"]], color=PALE, fontsize=8)
    axes.grid(color=GRID, linewidth=0.6)
    _time_axis(axes)
    if lines:
        axes.legend(fontsize=7, facecolor=DARK, edgecolor=GRID, labelcolor=PALE, loc="upper left", ncols=3)


def _stack(axes: Axes, lines: dict[str, tuple[list[datetime], list[float]]]) -> None:
    times = sorted({moment for moments, _ in lines.values() for moment in moments})
    rows = [[dict(zip(*line, strict=True)).get(moment, 0.0) for moment in times] for line in lines.values()]
    axes.stackplot(times, rows, labels=list(lines), colors=COLOURS, alpha=0.75)


def _heatmap(axes: Axes, panel: dict[str, Any], prometheus: Prometheus, seconds: float) -> None:
    found = prometheus.query_range(fill_in(panel["targets"][0]["expr"]), seconds)
    found.sort(key=lambda series: float(series["metric"]["le"]))
    times = sorted({float(moment) for series in found for moment, _ in series["values"]})
    rows, below = [], dict.fromkeys(times, 0.0)
    for series in found:
        upto = {float(moment): float(value) for moment, value in series["values"]}
        rows.append([max(0.0, upto.get(moment, 0.0) - below[moment]) for moment in times])
        below = {moment: upto.get(moment, 0.0) for moment in times}
    moments = [datetime.fromtimestamp(moment, UTC) for moment in times]
    axes.pcolormesh(moments, range(len(rows)), [[math.sqrt(value) for value in row] for row in rows], cmap="turbo")
    axes.set_yticks(range(0, len(rows), 2), [series["metric"]["le"] + " s" for series in found[::2]])
    _time_axis(axes)


def _legend(form: str, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], ""), form)


def _points(values: list[list[Any]]) -> tuple[list[datetime], list[float]]:
    return [datetime.fromtimestamp(moment, UTC) for moment, _ in values], [float(value) for _, value in values]


def _time_axis(axes: Axes) -> None:
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=9))
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M:%S"))


_DRAWERS = {"stat": _stat, "timeseries": _lines, "heatmap": _heatmap}

if __name__ == "__main__":
    sys.exit(main())
