"""The class Inbox of tandem-inbox.js under Node: in whatever order answers and pushes come, it ends with the truth."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from rig.servers import find_program

TESTS = Path(__file__).with_name("inbox") / "inbox.test.mjs"


def test_the_inbox_under_node() -> None:
    """What `inbox/inbox.test.mjs` says, and 150 times anything at random."""
    command = [find_program("node"), "--test", str(TESTS)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    failed = [line for line in found.stdout.splitlines() if "not ok" in line or line.startswith("✖")]

    assert (found.returncode, failed) == (0, [])
    assert int(re.findall(r"pass (\d+)", found.stdout)[0]) > 150
