"""The picture of a benchmark, for the README."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .summary import Measurement, medians

_COLORS = {"stock": "#b5543c", "tandem": "#1f6f78", "floor": "#9a9a9a"}
_LABELS = {"stock": "stock Channels", "tandem": "Tandem", "floor": "raw send loop (floor)"}
_PANELS = {
    "delivery_cpu_us": "CPU per delivered message, microseconds",
    "connect_cpu_us": "CPU per connect + subscribe, microseconds",
    "rss_bytes": "memory per idle connection, bytes",
    "p99_ms": "publish to received, p99, ms (10,000 deliveries/s; stock 1,000/s)",
}


def draw(measurements: list[Measurement], path: Path) -> None:
    """Draw how each contender grows with its connections, as the suffix of *path* says (svg, png)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    found = medians(measurements)
    pyplot.rcParams.update({"font.size": 9, "svg.hashsalt": "tandem", "axes.spines.top": False})
    figure, axes = pyplot.subplots(2, 2, figsize=(9, 6))
    for panel, (metric, title) in zip(axes.flat, _PANELS.items(), strict=True):
        for contender, label in _LABELS.items():
            points = sorted(
                (int(workload.removeprefix("fanout-")), metrics[metric])
                for (workload, name), metrics in found.items()
                if name == contender and workload.startswith("fanout-") and metrics.get(metric, 0) > 0
            )
            if points:
                _line(panel, points, _COLORS[contender], label, below=contender == "floor")
        panel.set(title=title, xscale="log", yscale="log", xlabel="connections")
        panel.title.set_fontsize(9)
        panel.margins(x=0.12, y=0.2)
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="upper center", ncols=3, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.95))
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)


def _line(panel: Any, points: list[tuple[int, float]], color: str, label: str, *, below: bool) -> None:
    panel.plot([x for x, _ in points], [y for _, y in points], "o-", color=color, label=label)
    for x, y in points:
        text = f"{y:,.0f}" if y >= 10 else f"{y:.1f}"
        panel.annotate(
            text,
            (x, y),
            textcoords="offset points",
            xytext=(0, -13 if below else 6),
            ha="center",
            color=color,
            fontsize=8,
        )
