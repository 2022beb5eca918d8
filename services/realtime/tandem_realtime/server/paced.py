"""What a client sends: read no faster than it is worth, worked off when it is its turn."""

from __future__ import annotations

import asyncio
from socket import SocketType

from tandem_realtime.ration import Ration
from tandem_realtime.surplus import Piece

from .connections import Connections
from .messages import Event, MessageReader, Part, whole_message
from .wire import Wire

# What comes after the end is read only so that the last frame is not lost; it may take its time.
_DEAF_SECONDS = 0.02
# Who was told to go, and has sent so much since, is hardly read any more.
_FLOOD_BYTES, _FLOOD_SECONDS = 1_048_576, 1.0


class PacedWire(Wire):
    """
    Frames from a wire, of which nothing more is read as long as some are left.

    A subclass says what to do with each (`take`), when there is nobody who could (`is_full`, `is_silent`), and how to
    end it for who sends too much for too long (`flooded`). Once it `is_deaf`, what comes is thrown away; once it
    `is_closing`, little of it is read.
    """

    __slots__ = ("_held", "_ration", "_reading", "_said_since", "_server", "_unread_until", "is_deaf")

    def __init__(self, server: Connections, sock: SocketType) -> None:
        super().__init__(
            server.loop,
            sock,
            readers=server.readers,
            counters=server.counters,
            backlog=server.backlog,
            max_buffer=server.limits.max_buffer_bytes,
        )
        self._server = server
        self._reading: MessageReader | None = None
        self._ration: Ration | None = None
        self._held: asyncio.Handle | Piece | None = None
        self._unread_until = 0.0
        self._said_since = 0
        self.is_deaf = False

    def take(self, event: Event | Part) -> None:
        """Take what one frame brings."""
        raise NotImplementedError

    def flooded(self) -> None:
        """End it: what says nothing comes on and on."""
        raise NotImplementedError

    @property
    def is_full(self) -> bool:
        """Tell whether whom it is for has so much to read that nothing is read for it."""
        raise NotImplementedError

    @property
    def is_closing(self) -> bool:
        """Tell whether the client was told that this is the end."""
        raise NotImplementedError

    @property
    def is_silent(self) -> bool:
        """Tell whether no frame can come: it has not begun, or it is over."""
        raise NotImplementedError

    def spend(self) -> float:
        """
        Take note that the client sent something that says nothing: after too much of it, it is not read for a while.

        Returns 0: the application need not wait.
        """
        self._ration = self._ration or Ration()
        if seconds := self._ration.spend(now := self._loop.time()):
            self._unread_until = now + seconds
            self.hold(seconds)
            if self._ration.is_flood:
                self.flooded()
        return 0.0

    def unread_until(self) -> float:
        """Tell until when, by the loop's clock, the client was last left unread: what it answers comes late."""
        return self._unread_until

    def read_frames(self, data: bytes) -> None:
        """Take the frames of *data*, at once or when it is this one's turn."""
        if self.is_closing:
            self._said_since += len(data)
        is_flood = self._said_since > _FLOOD_BYTES
        if self.is_deaf:
            self.hold(_FLOOD_SECONDS if is_flood else _DEAF_SECONDS)
            return
        most = self._server.limits.max_message_bytes
        is_in_time = not is_flood and not self._server.surplus.is_turn_over()
        if is_in_time and self._reading is None and (message := whole_message(data, most)) is not None:
            self.take(message)
            return
        reading = self._reading or MessageReader(most)
        reading.add(data)
        if not is_in_time:
            self._reading = reading
            self.hold(_FLOOD_SECONDS if is_flood else 0)
        else:
            self._work_off(reading)

    def _work_off(self, reading: MessageReader) -> None:
        """Take one frame, and more while there is time; as long as there are some left, nothing else is read."""
        try:
            is_left = self._take_some(reading)
        finally:
            self.uncork()
        if self.is_deaf or self.is_silent:
            self._reading = None
            return
        self._reading = reading if is_left or not reading.is_idle else None
        if is_left and self._held is None:
            self.stop_reading()
            if not self.is_full:
                self.hold(0)

    def _take_some(self, reading: MessageReader) -> bool:
        """Do so, what answers the second and further ones going out together; tell whether there are some left."""
        while (event := reading.next()) is not None:
            self.take(event)
            if self.is_deaf or self.is_silent:
                return False
            if self._held is not None or self.is_full or self._server.surplus.is_turn_over():
                return True
            self.cork()
        return False

    def hold(self, seconds: float) -> None:
        """Read nothing for *seconds*; 0: until it is this one's turn."""
        if self._socket.fileno() < 0:
            return
        if self._held is not None:
            self._held.cancel()
        self.stop_reading()
        self._held = self._loop.call_later(seconds, self._go_on) if seconds else self._server.surplus.add(self._go_on)

    def read_on(self) -> None:
        """Go on with what was read, which nobody could take."""
        if self._held is None and not self._is_reading:
            self.hold(0)

    def _go_on(self) -> None:
        """Take what was read, then read again."""
        self._held = None
        if self.is_silent:
            return
        if self._ration is not None and self.is_hung_up():
            self.lost()
            return
        if self._reading is not None and not self.is_deaf:
            self._work_off(self._reading)
        if self._held is None and not self.is_full:
            self.start_reading()

    def release(self) -> None:
        """Close the socket and forget what was read."""
        self._reading = None
        if self._held is not None:
            self._held.cancel()
            self._held = None
        super().release()
