"""A name server of a test's own: every name leads to one address, which may change."""

from __future__ import annotations

import socket
import struct
import threading
from typing import Self


class NameServer:
    """Answer every question for an IPv4 address with `address`. Use as a context manager."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        while True:
            question, who = self._socket.recvfrom(512)
            if not question:
                return
            self._socket.sendto(self._answer(question), who)

    def _answer(self, question: bytes) -> bytes:
        """Make the answer of RFC 1035, section 4: the question again, and one record if it asks for an A."""
        end = question.index(b"\0", 12) + 5  # the name, its zero, type and class
        is_for_us = question[end - 4 : end - 2] == b"\0\1"
        head = question[:2] + struct.pack(">HHHHH", 0x8180, 1, is_for_us, 0, 0)
        record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04" + socket.inet_aton(self.address)
        return head + question[12:end] + (record if is_for_us else b"")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()
