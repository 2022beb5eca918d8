"""A prediction beside what was measured. No I/O here."""

from __future__ import annotations

from loadgen.bench.checks.stage import Finding


def compared(text: str, measured: float, predicted: float, tolerance: float) -> Finding:
    """Return whether *measured* is what was *predicted*, but for the share *tolerance* of it."""
    off = measured / predicted - 1
    limit = f"predicted {predicted:.4g}, within {tolerance:.0%}"
    return Finding(text, f"{measured:.4g}, {off:+.0%}", limit, abs(off) <= tolerance)
