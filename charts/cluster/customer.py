"""Somebody at a team's private page, through the edge, run in a pod: `host, order`. Prints PASS or FAIL."""

from __future__ import annotations

import http.cookiejar
import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from websockets.sync.client import connect

PASSWORD = "a long one of hers"


class Browser:
    """Cookies, forms, JSON."""

    def __init__(self, host: str, user: str) -> None:
        self.base = f"http://{host}"
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.ask("/accounts/login/")
        form = {"username": user, "password": PASSWORD, "csrfmiddlewaretoken": self.csrf()}
        self.ask("/accounts/login/", urllib.parse.urlencode(form).encode())

    def csrf(self) -> str:
        """Return the token of the cookie."""
        return next(cookie.value or "" for cookie in self.jar if cookie.name == "csrftoken")

    def ask(
        self, path: str, body: bytes | None = None, kind: str = "application/x-www-form-urlencoded"
    ) -> tuple[int, bytes]:
        """Send a request; return status and body."""
        headers = {"Content-Type": kind, "X-CSRFToken": self.csrf()} if body is not None else {}
        try:
            with self.opener.open(urllib.request.Request(self.base + path, body, headers), timeout=10) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def token(self, kind: str, channel: str = "") -> tuple[int, str]:
        """Ask the package's view for a token."""
        status, body = self.ask(
            f"/realtime/{kind}/", json.dumps({"channel": channel} if channel else {}).encode(), "application/json"
        )
        return status, str(json.loads(body).get("token", "")) if status == 200 else ""


def say(what: str, good: bool, figure: Any = "") -> None:
    """Print a verdict."""
    print("PASS" if good else "FAIL", what, figure, flush=True)


def main(host: str, order: str) -> None:
    """Log in, see the page, hear of a change; another may not."""
    ada, ben = Browser(host, "ada"), Browser(host, "ben")
    channel = f"order:{order}"
    status, page = ada.ask(f"/orders/{order}/")
    say("the private page", status == 200 and b"tandem.js" in page, status)
    say("its script", ada.ask("/static/tandem/tandem.js")[0] == 200)
    refusals = [ben.ask(f"/orders/{order}/")[0], ben.token("subscription", channel)[0]]
    say("a stranger gets neither page nor token", refusals == [403, 403], refusals)
    with connect(f"ws://{host}/ws/", compression=None) as socket:
        socket.send(json.dumps({"id": 1, "connect": {"token": ada.token("token")[1]}}))
        first = json.loads(str(socket.recv(timeout=10)).splitlines()[0])
        socket.send(
            json.dumps({"id": 2, "subscribe": {"channel": channel, "token": ada.token("subscription", channel)[1]}})
        )
        second = json.loads(str(socket.recv(timeout=10)).splitlines()[0])
        say("the socket lets her in", "connect" in first and "subscribe" in second, second.get("error", ""))
        status, _ = ada.ask(f"/orders/{order}/ship/", b"")
        push = json.loads(str(socket.recv(timeout=10)).splitlines()[0])
        data = push.get("push", {}).get("pub", {}).get("data")
        say("a change of the row is on her page", data == {"status": "shipped"}, data)
    print("whole")


if __name__ == "__main__":
    main(*sys.argv[1:3])
