"""What stops the demo, in words for the person at the terminal."""

from __future__ import annotations


class Problem(Exception):
    """The demo cannot go on; the text is one sentence that says what to do."""
