"""Try checks on the cluster that kubectl and helm reach: PASS or FAIL for each, exit status 1 when one failed."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
import traceback

from .checks import CHECKS, CLUSTER_TEST
from .kube import Refused, Release
from .verdicts import Verdicts


def main() -> int:
    """Run the checks that are named."""
    parser = argparse.ArgumentParser(
        prog="python3 -m cluster", description=__doc__, epilog="checks: " + " ".join(CHECKS)
    )
    parser.add_argument("--namespace", default="tandem")
    parser.add_argument("--helm", default="", help='options of helm install, such as "--set api.image=..."')
    parser.add_argument("checks", nargs="*", metavar="check", help="none: those of make cluster-test")
    options = parser.parse_args()
    if unknown := [name for name in options.checks if name not in CHECKS]:
        parser.error(f"no such check: {' '.join(unknown)}; there are {' '.join(CHECKS)}")
    release, verdicts = Release(options.namespace, shlex.split(options.helm)), Verdicts()
    for name in options.checks or CLUSTER_TEST:
        print(f"== {name}", flush=True)
        began = time.monotonic()
        try:
            CHECKS[name](release, verdicts)
        except Exception as error:  # the next check is tried all the same
            if not isinstance(error, Refused):
                traceback.print_exc()
            verdicts.say(f"{name}: went through", False, str(error)[-300:])
        verdicts.note(f"{name}: {time.monotonic() - began:.0f} s")
        if name == "install" and verdicts.failed:
            break
    print(
        f"{verdicts.passed} PASS, {len(verdicts.failed)} FAIL", *(f"FAIL {what}" for what in verdicts.failed), sep="\n"
    )
    return 1 if verdicts.failed else 0


if __name__ == "__main__":
    sys.exit(main())
