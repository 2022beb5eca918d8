"""The worker's liveness over HTTP, for who restarts it when it hangs."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
    daemon_threads = True

    def server_bind(self) -> None:
        """Listen on both families."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def serve_liveness(port: int, is_alive: Callable[[], bool]) -> ThreadingHTTPServer:
    """Answer ``/healthz`` on *port* of every address, in a thread: 200 while *is_alive*, else 503."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/healthz":
                self.send_error(404)
                return
            self.send_response(200 if is_alive() else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: it is asked every few seconds."""

    server = _Server(("", port), Handler)
    threading.Thread(target=server.serve_forever, name="tandem-liveness", daemon=True).start()
    return server
