"""The bytes of one upgraded connection: to the kernel first, what it will not take to a buffer."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import fcntl
import itertools
import select
import socket
import struct
import sys
import termios

from tandem_realtime.readers import AnyReaders

from .backlog import Backlog
from .counters import Counters
from .pieces import Pieces

# One buffer serves every read of the process: what arrives is copied out at its true size.
_RECEIVED = bytearray(65_536)
_VIEW = memoryview(_RECEIVED)
_CHUNKS_PER_WRITE = 256
# So much is copied together, at most, while others are read.
_MOST_LATE_BYTES = 32_768
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Wire:
    """
    Write without copying, read without keeping a buffer, and never raise for what the other side does.

    A subclass says what to do with data (`received`) and with the end (`lost`). What waits is told to *backlog*.

    What is put while *readers* read goes out when they have: see `Readers.together`.
    """

    __slots__ = (
        "_backlog",
        "_chunks",
        "_counters",
        "_ends",
        "_is_corked",
        "_is_cut",
        "_is_reading",
        "_late",
        "_loop",
        "_max_buffer",
        "_readers",
        "_socket",
        "buffered",
        "taken",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.SocketType,
        *,
        readers: AnyReaders,
        counters: Counters,
        backlog: Backlog,
        max_buffer: int,
    ) -> None:
        self.buffered = 0
        self.taken = 0  # bytes of what had to wait
        self._loop = loop
        self._socket = sock
        self._readers = readers
        self._counters = counters
        self._backlog = backlog
        self._max_buffer = max_buffer
        # Whole frames that wait, oldest first. `_is_cut`: part of the first one has been sent.
        self._chunks: collections.deque[bytes | memoryview | Pieces] | None = None
        self._is_cut = False
        self._is_corked = False
        self._is_reading = False
        self._late: bytes | None = None
        self._ends = False

    def received(self, data: bytes) -> None:
        """Take what the peer sent."""
        raise NotImplementedError

    def lost(self) -> None:
        """Take note that the peer has gone, whichever way."""
        raise NotImplementedError

    def overflowed(self) -> None:
        """End the connection: its peer takes too little of what waits."""
        raise NotImplementedError

    @property
    def excess(self) -> int:
        """Bytes that wait beyond the limit."""
        return self.buffered - self._max_buffer

    def put(self, data: bytes) -> None:
        """Send *data* after everything that was put before it."""
        late = self._readers.late
        if late is None or self._chunks is not None:
            self._put(data)
            return
        if self._late is None:
            self._late = data
            late.append(self)
        else:
            self._late += data
        if len(self._late) > _MOST_LATE_BYTES:
            self.send_late()

    def send_late(self) -> None:
        """Send what was put while the sockets of this turn were read."""
        if (data := self._late) is not None:
            self._late = None
            self._put(data)

    def _put(self, data: bytes) -> None:
        sent = 0
        if self._chunks is None:
            try:
                sent = self._socket.send(data)
            except (BlockingIOError, InterruptedError):
                pass
            except OSError:
                self.lost()
                return
            self._counters.bytes_out += sent
            if sent == len(data):
                return
            self._chunks = collections.deque()
            self._loop.add_writer(self._socket.fileno(), self._flush)
        self._is_cut = self._is_cut or sent > 0
        self._chunks.append(memoryview(data)[sent:] if sent else data)
        self.buffered += len(data) - sent
        self._backlog.add(self, len(data) - sent)

    def put_pieces(self, pieces: Pieces) -> None:
        """Send *pieces* after everything that was put before them, none of them copied."""
        self.send_late()
        if self._chunks is None:
            try:
                sent = self._socket.sendmsg(list(pieces.buffers(_CHUNKS_PER_WRITE)))
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                self.lost()
                return
            self._counters.bytes_out += sent
            pieces.skip(sent)
            if not pieces:
                return
            self._is_cut = sent > 0
            self._chunks = collections.deque()
            self._loop.add_writer(self._socket.fileno(), self._flush)
        self._chunks.append(pieces)
        self.buffered += len(pieces)
        self._backlog.add(self, len(pieces))

    def cork(self) -> None:
        """Have what is put from now on wait for `uncork`: many small answers cost the kernel as much as one."""
        if self._chunks is None and self._readers.late is None:
            self._chunks = collections.deque()
            self._is_corked = True

    def uncork(self) -> None:
        """Send what was put since `cork`."""
        if not self._is_corked:
            return
        self._is_corked = False
        if self._chunks:
            self._flush()
        elif self._chunks is not None:
            self._stop_writing()
            if self._ends:
                self._shut()
        if self._chunks is not None:
            self._loop.add_writer(self._socket.fileno(), self._flush)

    def _flush(self) -> None:
        chunks = self._chunks
        if chunks is None:
            return
        try:
            sent = self._socket.sendmsg(_buffers(chunks))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.lost()
            return
        self._counters.bytes_out += sent
        self.buffered -= sent
        self.taken += sent
        self._backlog.took(sent)
        while chunks and sent >= len(chunks[0]):
            sent -= len(chunks.popleft())
            self._is_cut = False
        if chunks:
            if sent:
                self._cut_first(chunks, sent)
            return
        self._stop_writing()
        if self._ends:
            self._shut()

    def _cut_first(self, chunks: collections.deque[bytes | memoryview | Pieces], sent: int) -> None:
        if isinstance(first := chunks[0], Pieces):
            first.skip(sent)
        else:
            chunks[0] = memoryview(first)[sent:]
        self._is_cut = True

    def _stop_writing(self) -> None:
        self._is_corked = False
        self._backlog.discard(self)
        self._loop.remove_writer(self._socket.fileno())
        self._chunks = None
        self.buffered = 0
        self._is_cut = False

    def forget_unsent(self) -> None:
        """Drop what waits, but for the rest of a frame that the peer has seen the start of."""
        self.send_late()
        if self._chunks is not None:
            rest = self._chunks[0] if self._is_cut else None
            self._stop_writing()
            if rest is not None:
                self._chunks = collections.deque([rest if isinstance(rest, Pieces) else bytes(rest)])
                self._is_cut = True
                self.buffered = len(rest)
                self._backlog.add(self, len(rest))
                self._loop.add_writer(self._socket.fileno(), self._flush)

    def start_reading(self) -> None:
        """Call `received` from now on."""
        if not self._is_reading and (fileno := self._socket.fileno()) >= 0:
            self._is_reading = True
            self._readers.add(fileno, self._on_readable)

    def stop_reading(self) -> None:
        """Leave what arrives to the kernel, so that in time the peer has to wait."""
        if self._is_reading:
            self._is_reading = False
            self._readers.discard(self._socket.fileno())

    def _on_readable(self) -> None:
        try:
            size = self._socket.recv_into(_RECEIVED)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            size = 0
        if size:
            self.received(bytes(_VIEW[:size]))
        else:
            self.lost()

    def is_hung_up(self) -> bool:
        """Tell whether the peer has gone; who reads finds out by reading."""
        poller = select.poll()
        poller.register(self._socket.fileno(), select.POLLRDHUP)
        return bool(poller.poll(0))

    def end(self) -> None:
        """
        Say that nothing will follow what was put, and go on reading.

        Closing instead, with something unread, would reset the connection, and the peer would lose the last frame.
        """
        self.send_late()
        self._ends = True
        if self._chunks is None:
            self._shut()

    def _shut(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def reset_unless_taken(self) -> None:
        """
        Reset the connection if the peer's kernel has not taken all that ours has.

        Else ours would keep it, and go on asking, for minutes after `release`.
        """
        if self._socket.fileno() < 0:
            return
        with contextlib.suppress(OSError):
            left = fcntl.ioctl(self._socket, termios.TIOCOUTQ, bytes(4))  # Linux calls it SIOCOUTQ: see tcp(7)
            if int.from_bytes(left, sys.byteorder):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)

    def release(self) -> None:
        """Close the socket and free what waits; with something unsent the peer gets a reset."""
        if self._socket.fileno() < 0:
            return
        self.stop_reading()
        self._late = None
        if self._chunks is not None:
            self._stop_writing()
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._socket.close()


def _buffers(chunks: collections.deque[bytes | memoryview | Pieces]) -> list[bytes | memoryview]:
    """Return what comes first of *chunks*, as much as one call of the kernel should take."""
    found: list[bytes | memoryview] = []
    for chunk in itertools.islice(chunks, _CHUNKS_PER_WRITE):
        if not isinstance(chunk, Pieces):
            found.append(chunk)
        else:
            found += chunk.buffers(_CHUNKS_PER_WRITE - len(found))
        if len(found) >= _CHUNKS_PER_WRITE:
            break
    return found
