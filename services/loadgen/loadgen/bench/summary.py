"""From what was measured to what is said: medians, ratios within one run, limits. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from .workloads import LIMITS, Limit

Measurement = dict[str, Any]
"""One visit: `run`, `workload`, `contender` and the metrics."""

COLUMNS = {
    "delivery_cpu_us": "CPU us/delivery",
    "publication_cpu_us": "CPU us/publication",
    "publications_per_core_s": "publications/s of a core",
    "connect_cpu_us": "connect CPU us",
    "recover_cpu_us": "recover CPU us",
    "connect_wall_s": "connect wall s",
    "rss_bytes": "RSS B/conn",
    "kernel_bytes": "kernel B/conn",
    "held_bytes": "RSS + kernel's half B/conn",
    "idle_cpu_us": "idle CPU us/s",
    "join_cpu_us": "join CPU us",
    "leave_cpu_us": "leave CPU us",
    "presence_cpu_us": "presence CPU us/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "p999_ms": "p99.9 ms",
}


def medians(measurements: Iterable[Measurement]) -> dict[tuple[str, str], dict[str, float]]:
    """Return the median of each metric by (workload, contender)."""
    groups: dict[tuple[str, str], list[Measurement]] = {}
    for each in measurements:
        groups.setdefault((each["workload"], each["contender"]), []).append(each)
    return {
        key: {name: median(each[name] for each in group) for name in COLUMNS if name in group[0]}
        for key, group in groups.items()
    }


def value(limit: Limit, measurements: Sequence[Measurement]) -> float | None:
    """Return what *limit* bounds: the median over the runs of the ratio within one run; None if it was not measured."""

    def of(workload: str, contender: str) -> dict[int, float]:
        return {
            each["run"]: each[limit.metric]
            for each in measurements
            if (each["workload"], each["contender"]) == (workload, contender) and limit.metric in each
        }

    mine = of(limit.workload, limit.contender)
    if not limit.over:
        return median(mine.values()) if mine else None
    theirs = of(limit.beside or limit.workload, limit.over)
    ratios = [mine[run] / theirs[run] for run in mine.keys() & theirs.keys() if theirs[run]]
    return median(ratios) if ratios else None


def verdicts(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
    """Return each limit with what was measured and whether it holds."""
    found = []
    for limit in LIMITS:
        measured = value(limit, measurements)
        if measured is not None:
            sign = ">=" if limit.at_least else "<="
            text = {"text": limit.text, "measured": round(measured, 3), "limit": f"{sign} {limit.bound:g}"}
            found.append(text | {"holds": limit.holds(measured)})
    return found


def table(measurements: Sequence[Measurement]) -> str:
    """Return the medians and the limits for a reader."""
    found = medians(measurements)
    columns = [name for name in COLUMNS if any(name in metrics for metrics in found.values())]
    rows = [["workload", "contender", *(COLUMNS[name] for name in columns)]]
    for (workload, contender), metrics in found.items():
        cells = [f"{metrics[name]:,.4g}" if name in metrics else "" for name in columns]
        rows.append([workload, contender, *cells])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.append("")
    for verdict in verdicts(measurements):
        mark = "PASS" if verdict["holds"] else "FAIL"
        lines.append(f"{mark}  {verdict['text']}: {verdict['measured']:g} ({verdict['limit']})")
    saturated = sorted({f"{m['workload']} {m['contender']}" for m in measurements if m.get("saturated")})
    if saturated:
        lines.append(f"The generator itself was saturated in: {', '.join(saturated)}.")
    if looks := [each[name] for each in measurements for name in each if name.endswith("_core_us")]:
        lines.append(f"The same work took the servers' core {min(looks):.0f} to {max(looks):.0f} us.")
    return "\n".join(lines)
