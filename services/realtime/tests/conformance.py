"""
Run Autobahn's test suite against the interface server: `python services/realtime/tests/conformance.py [CASES]`.

The suite needs Python 2.7, named in the variable PYTHON2 or found on the path. It gets an environment of its own in
`.demo/conformance`; the report is there too. Compression is off in the server, so cases 12 and 13 are left out. Exits
with 1 if any other case fails, with 2 if there is no Python 2.7.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "services"))

from tests.server_process import InterfaceServer  # noqa: E402 # the path comes first

PLACE = ROOT / ".demo" / "conformance"
SUITE = "autobahntestsuite==25.10.1"
# The last virtualenv that can make an environment of Python 2.7.
MAKER = "virtualenv==20.21.1"
LEFT_OUT = ["12.*", "13.*"]
# NON-STRICT: right, but the error could have been told a few bytes earlier, in the middle of a frame.
PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}


def find_python2() -> str:
    """Return a Python 2.7 that runs, or end the process."""
    versions = sorted(Path.home().glob(".pyenv/versions/2.7*/bin/python"))
    candidates = [os.environ.get("PYTHON2"), shutil.which("python2.7"), *map(str, versions)]
    for candidate in filter(None, candidates):
        if subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    print("No Python 2.7, which Autobahn's test suite needs. Set PYTHON2.", file=sys.stderr)
    sys.exit(2)


def install_suite() -> Path:
    """Return the path of `wstest`, installed if need be."""
    wstest = PLACE / "suite" / "bin" / "wstest"
    if not wstest.exists():
        python2 = find_python2()
        venv.create(PLACE / "maker", with_pip=True)
        pip = [str(PLACE / "maker" / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, MAKER], check=True)
        subprocess.run([PLACE / "maker/bin/virtualenv", "--quiet", "-p", python2, PLACE / "suite"], check=True)
        subprocess.run([PLACE / "suite/bin/pip", "install", "--quiet", SUITE], check=True)
    return wstest


def run_suite(wstest: Path, port: int, cases: list[str]) -> dict[str, dict[str, str]]:
    """Return the result of every case."""
    report = PLACE / "report"
    shutil.rmtree(report, ignore_errors=True)
    specification = {
        "outdir": str(report),
        "servers": [{"agent": "tandem", "url": f"ws://127.0.0.1:{port}/echo"}],
        "cases": cases,
        "exclude-cases": LEFT_OUT,
        "exclude-agent-cases": {},
    }
    path = PLACE / "specification.json"
    path.write_text(json.dumps(specification))
    command = [str(wstest), "--mode", "fuzzingclient", "--spec", str(path)]
    subprocess.run(command, cwd=PLACE, stdout=subprocess.DEVNULL, check=True)
    results: dict[str, dict[str, str]] = json.loads((report / "index.json").read_text())["tandem"]
    return results


def main() -> int:
    """Run, print the sums and what failed, and return the exit status."""
    wstest = install_suite()
    limits: dict[str, Any] = {
        "max_message_bytes": 2**25,
        "max_buffer_bytes": 2**26,
        "drain_seconds": 0,
        "close_seconds": 2,
    }
    with tempfile.TemporaryDirectory() as directory, InterfaceServer(Path(directory), **limits) as server:
        results = run_suite(wstest, server.port, sys.argv[1:] or ["*"])
        errors = [line for line in server.text.splitlines() if "Traceback" in line]
    failed = {
        case: result for case, result in results.items() if {result["behavior"], result["behaviorClose"]} - PASSED
    }
    for case, result in sorted(failed.items()):
        print(
            f"{case}: {result['behavior']}, close {result['behaviorClose']};"
            f" see {PLACE / 'report' / result['reportfile']}"
        )
    sums = Counter(result["behavior"] for result in results.values())
    print(f"{len(results)} cases:", ", ".join(f"{count} {behavior}" for behavior, count in sums.most_common()))
    return 1 if failed or errors or not results else 0


if __name__ == "__main__":
    sys.exit(main())
