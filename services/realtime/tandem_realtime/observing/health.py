"""The private port: /metrics, /healthz and /readyz. Never behind the edge."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from tandem_realtime.observing.exposition import exposition

# A check returns why the process cannot do its work, or nothing.
Check = Callable[[], str | None]


def readiness(checks: Mapping[str, Check]) -> tuple[bool, dict[str, str]]:
    """Ask every check; return whether all are content, and what each says ("ok", or why not)."""
    answers = {name: check() or "ok" for name, check in checks.items()}
    return all(answer == "ok" for answer in answers.values()), answers


class PrivateResource(Resource):
    """
    Every path of the private port.

    /healthz answers while the event loop turns: nothing outside the process can make it fail. /readyz answers 200
    while every check is content, else 503 and why. *checks* is read at each request: the caller may add to it later.
    """

    isLeaf = True

    def __init__(self, checks: Mapping[str, Check]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's is not annotated
        self._checks = checks

    def render_GET(self, request: Request) -> bytes:
        """Answer one request. (HEAD comes here too; Twisted drops the body.)"""
        match request.path:
            case b"/metrics":
                return answer(request, 200, "text/plain; version=0.0.4", exposition())
            case b"/healthz":
                return answer(request, 200, "text/plain", b"ok\n")
            case b"/readyz":
                is_ready, answers = readiness(self._checks)
                body = json.dumps({"ready": is_ready, "checks": answers}).encode() + b"\n"
                return answer(request, 200 if is_ready else 503, "application/json", body)
        return answer(request, 404, "text/plain", b"not found\n")


def answer(request: Request, status: int, content_type: str, body: bytes) -> bytes:
    """Set status and content type of *request*'s answer, and return *body*."""
    request.setResponseCode(status)
    request.responseHeaders.setRawHeaders("content-type", [f"{content_type}; charset=utf-8"])
    return body


class PrivateSite(Site):
    """HTTP over `PrivateResource`. Probes come every few seconds, so requests are not logged."""

    noisy = False
    displayTracebacks = False

    def __init__(self, checks: Mapping[str, Check]) -> None:
        super().__init__(PrivateResource(checks), timeout=30)  # type: ignore[no-untyped-call]  # as above

    def startFactory(self) -> None:
        """Begin without Twisted's access log and its date, which is told anew every second."""


def listen(reactor: Any, port: int, host: str, checks: Mapping[str, Check]) -> Any:
    """Serve the private port of this process with Twisted's *reactor*, and return Twisted's listening port."""
    return reactor.listenTCP(port, PrivateSite(checks), interface=host)
