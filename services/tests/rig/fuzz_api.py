"""
``python -m rig.fuzz_api [option of schemathesis ...]``: every operation of both OpenAPI pages, asked by schemathesis.

It asks a whole installation through its edge, signed in as one of the front page's people. The process ends as the
worse of the two runs did. ``--max-examples 200`` takes longer and finds more.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import httpx

from rig.servers import SERVICES
from rig.stack import Stack

PROGRAM = SERVICES / "tests" / "schemathesis" / "run"
EXCLUDED: dict[str, dict[str, str]] = {
    "/api/openapi.json": {},
    "/inbox/openapi.json": {
        "negative_data_rejection": "it leaves out the session's cookie, which our header brings again",
        "positive_data_acceptance": "what has to go together (thread or kind, all and seen) is told in words",
    },
}
"""The pages, and which checks are left out of each, and why."""
_FORM = re.compile(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', re.DOTALL)
_FIELD = re.compile(r'name="([^"]+)"[^>]*value="([^"]*)"')


def sign_in(url: str) -> dict[str, str]:
    """Press the front page's first button to sign in; return the headers of a browser that has."""
    with httpx.Client(base_url=url, follow_redirects=True) as client:
        forms = [(action, dict(_FIELD.findall(body))) for action, body in _FORM.findall(client.get("/").text)]
        action, fields = next((action, fields) for action, fields in forms if "in/" in action)
        client.post(action, data=fields, headers={"Referer": f"{url}/"}).raise_for_status()
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        return {"Cookie": cookies, "X-CSRFToken": client.cookies["csrftoken"], "Referer": f"{url}/", "Origin": url}


def command(url: str, page: str, headers: dict[str, str], options: Sequence[str]) -> list[str]:
    """Return how schemathesis is called for *page*."""
    said = [option for name, value in headers.items() for option in ("--header", f"{name}: {value}")]
    left_out = ["--exclude-checks", ",".join(EXCLUDED[page])] if EXCLUDED[page] else []
    return [str(PROGRAM), "run", f"{url}{page}", "--origin", url, *said, *left_out, "--max-examples", "20", *options]


def main() -> int:
    """Ask everything, and return the worst status."""
    with tempfile.TemporaryDirectory() as directory, Stack(Path(directory)) as stack:
        headers = sign_in(stack.url)
        runs = [command(stack.url, page, headers, sys.argv[1:]) for page in EXCLUDED]
        return max(subprocess.run(run, cwd=directory, check=False).returncode for run in runs)


if __name__ == "__main__":
    sys.exit(main())
