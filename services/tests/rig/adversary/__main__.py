"""
``python -m rig.adversary ATTACK HOST PORT SECONDS SOCKETS``: one attack, then what it came to, as JSON.

It begins when a line comes in, and says when it could.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

from loadgen.limits import raise_file_limit
from rig.adversary.driver import Driver
from rig.adversary.table import ATTACKS


def stand_back() -> None:
    """Go behind the honest, who share a core with us: their own pace must not be what is measured."""
    if os.sched_getscheduler(0) == os.SCHED_OTHER:
        os.nice(10)
    else:  # before everybody else's work, as the measurement is
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.nice(-15)


if __name__ == "__main__":
    name, host, port, seconds, sockets = sys.argv[1:]
    stand_back()
    raise_file_limit(int(sockets))
    driver = Driver(ATTACKS[name], (host, int(port)), int(sockets))
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(asdict(driver.run(float(seconds)))))
