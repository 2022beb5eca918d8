"""The service with other times, for tests that would be long: `quick_process.py JSON`, times by dotted name."""

from __future__ import annotations

import json
import sys
from importlib import import_module

from tandem_realtime.__main__ import main

for name, value in json.loads(sys.argv[1]).items():
    module, _, constant = name.rpartition(".")
    if not hasattr(import_module(module), constant):
        raise AttributeError(f"{module} has no {constant}")
    setattr(import_module(module), constant, value)
sys.exit(main())
