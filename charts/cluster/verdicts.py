"""PASS and FAIL, a line each."""

from __future__ import annotations

import time
from typing import Any


class Verdicts:
    """Prints each verdict when it is known, and knows at the end how many there were."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed: list[str] = []

    def say(self, what: str, good: Any, figure: Any = "") -> bool:
        """Print PASS or FAIL with *what* was tried and the *figure* seen; return which."""
        shown = f"{what}: {figure}" if figure != "" else what
        print(time.strftime("%H:%M:%S"), "PASS" if good else "FAIL", shown, flush=True)
        if good:
            self.passed += 1
        else:
            self.failed.append(what)
        return bool(good)

    def note(self, text: str) -> None:
        """Print what explains a verdict."""
        print("        ", text, flush=True)
