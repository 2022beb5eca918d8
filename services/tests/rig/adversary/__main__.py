"""``python -m rig.adversary ATTACK HOST PORT SECONDS SOCKETS``: one attack, then what it came to, as JSON."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

from loadgen.limits import raise_file_limit
from rig.adversary.driver import Driver
from rig.adversary.table import ATTACKS

if __name__ == "__main__":
    name, host, port, seconds, sockets = sys.argv[1:]
    os.nice(10)  # it shares a core with the honest, whose own pace must not be what is measured
    raise_file_limit(int(sockets))
    done = Driver(ATTACKS[name], (host, int(port)), int(sockets)).run(float(seconds))
    print(json.dumps(asdict(done)))
