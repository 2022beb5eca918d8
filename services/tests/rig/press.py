"""
Press to pixel: from sending the POST to holding the frame, through the edge of a running ``make demo``.

``make press`` prints it. One press at a time, as a person would, on a connection that is already open.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import queue
import statistics
import sys
import threading
import time

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

CHANNEL = "public:counter.demo"
WARM_UP = 20


def main() -> int:
    """Press, wait for the frame, repeat; print the percentiles."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--port", type=int, default=int(os.environ.get("DEMO_PORT") or 9000))
    parser.add_argument("--presses", type=int, default=300)
    options = parser.parse_args()
    try:
        seconds = measure(options.port, options.presses)
    except OSError as error:
        print(f"Nothing answers at port {options.port} ({error.strerror}): is make demo running?", file=sys.stderr)
        return 1
    print(describe(seconds))
    return 0


def measure(port: int, presses: int) -> list[float]:
    """Return the seconds from each POST to its frame."""
    frames: queue.Queue[tuple[float, int]] = queue.Queue()
    with connect(f"ws://localhost:{port}/ws/", ping_interval=None, compression=None, proxy=None) as socket:
        _subscribe(socket)
        threading.Thread(target=_receive, args=(socket, frames), daemon=True).start()
        api = http.client.HTTPConnection("localhost", port, timeout=10)
        return [_press(api, frames) for _ in range(WARM_UP + presses)][WARM_UP:]


def describe(seconds: list[float]) -> str:
    """Put the percentiles into one line."""
    cuts = statistics.quantiles(seconds, n=100)
    p50, p95, p99 = (f"{cuts[percent - 1] * 1000:.1f}" for percent in (50, 95, 99))
    return f"press to pixel, {len(seconds)} presses: p50 {p50} ms, p95 {p95} ms, p99 {p99} ms"


def _subscribe(socket: ClientConnection) -> None:
    socket.send(json.dumps({"id": 1, "connect": {}}) + "\n" + json.dumps({"id": 2, "subscribe": {"channel": CHANNEL}}))
    while '"subscribe"' not in str(socket.recv(timeout=10)):
        pass


def _receive(socket: ClientConnection, frames: queue.Queue[tuple[float, int]]) -> None:
    try:
        for frame in socket:
            now = time.perf_counter()
            for message in map(json.loads, str(frame).splitlines()):
                if "push" in message:
                    frames.put((now, message["push"]["pub"]["data"]["version"]))
                elif not message:
                    socket.send("{}")
    except ConnectionClosed:
        pass


def _press(api: http.client.HTTPConnection, frames: queue.Queue[tuple[float, int]]) -> float:
    sent = time.perf_counter()
    api.request("POST", "/api/counters/demo/increment/")
    version = json.loads(api.getresponse().read())["version"]
    while True:
        received, shown = frames.get(timeout=10)
        if shown == version:
            return received - sent


if __name__ == "__main__":
    sys.exit(main())
