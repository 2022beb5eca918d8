"""``python -m loadgen``: put load on a server and print what came of it."""

from __future__ import annotations

import os
import sys

from .limits import TooManyClients
from .options import parse
from .scenarios import Run


def main() -> int:
    """Run one scenario; return 0 when everything came once and in order, 1 otherwise, 2 when it could not begin."""
    options = parse(sys.argv[1:], os.environ)
    try:
        report = Run(options).execute()
    except (TooManyClients, ValueError) as error:
        print(f"loadgen: {error}", file=sys.stderr)
        return 2
    print(report.as_json() if options.json else report.as_table())
    return 0 if report.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
