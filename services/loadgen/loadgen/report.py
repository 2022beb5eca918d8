"""What a run found, as a table or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Report:
    """The result of one scenario."""

    scenario: str
    url: str
    clients: int
    live: int = 0
    connect_seconds: float = 0.0
    connect: dict[str, float] = field(default_factory=dict)
    published: int = 0
    publish_late_ms: float = 0.0
    expected: int = 0
    received: int = 0
    seconds: float = 0.0
    latency: dict[str, float] = field(default_factory=dict)
    deliveries: dict[str, int] = field(default_factory=dict)
    closes: dict[str, int] = field(default_factory=dict)
    generator: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Tell whether everything that should have come came, once and in order."""
        return not self.failures

    def as_json(self) -> str:
        """Return the report as one JSON object."""
        return json.dumps(asdict(self) | {"ok": self.is_good})

    def as_table(self) -> str:
        """Return the report for a reader."""
        rows = [
            ("scenario", f"{self.scenario} against {self.url}"),
            ("clients", f"{self.live} of {self.clients} live, after {self.connect_seconds:.2f} s"),
            ("connect + subscribe", _durations(self.connect)),
        ]
        if self.expected or self.published:
            rows += [
                ("published", f"{self.published}, at most {self.publish_late_ms:.1f} ms late"),
                ("received", f"{self.received} of {self.expected} in {self.seconds:.2f} s"),
                ("publish to received", _durations(self.latency)),
            ]
        rows += [
            ("deliveries", ", ".join(f"{name} {count}" for name, count in self.deliveries.items())),
            ("closed", ", ".join(f"{code}: {count}" for code, count in self.closes.items()) or "none"),
            ("generator", ", ".join(f"{name} {value}" for name, value in self.generator.items())),
        ]
        rows += [("note", note) for note in self.notes] + [("FAILED", failure) for failure in self.failures]
        return "\n".join(f"{name:>20}  {text}" for name, text in rows)


def _durations(summary: dict[str, float]) -> str:
    return "  ".join(f"{name.removesuffix('_ms')} {value:.2f} ms" for name, value in summary.items())
