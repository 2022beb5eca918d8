"""Play one attack on many sockets at once, as fast as they take it: one loop, nothing but epoll."""

from __future__ import annotations

import contextlib
import heapq
import select
import socket
import struct
import time
from dataclasses import dataclass

from rig.adversary.scripts import ANSWER, Aim, Attack, Pause

_TURN_SECONDS = 0.05
_READ_BYTES = 262_144
_RETRY_SECONDS = 0.05
_OPENED_PER_TURN = 50
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
SMALL_BUFFER = 4096
# What waits on our side harms nobody but the honest clients, whose core this is: the kernel would take 4 MB of each.
_AHEAD_BYTES = 262_144


@dataclass
class Done:
    """What an attack came to: sockets opened, how many of them were ended by the server, and bytes each way."""

    opened: int = 0
    ended: int = 0
    sent: int = 0
    received: int = 0


class HostileSocket:
    """One socket that plays one script."""

    def __init__(self, attack: Attack, address: tuple[str, int], number: int, done: Done) -> None:
        self.sock = socket.socket()
        self.sock.setblocking(False)
        if not attack.reads:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _AHEAD_BYTES)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.sock.connect_ex(address)
        self.number = number
        self.wakes_at = 0.0
        self._done = done
        self._script = attack.script(Aim(f"{address[0]}:{address[1]}", number))
        self._unsent = memoryview(b"")
        self._awaits_answer = False
        self._has_answer = False
        self._reads = attack.reads
        done.opened += 1

    @property
    def interest(self) -> int:
        """What epoll is to wait for."""
        waits = self.wakes_at or (self._awaits_answer and not self._has_answer)
        reads = self._reads or self._awaits_answer
        return (select.EPOLLIN if reads else 0) | (0 if waits else select.EPOLLOUT)

    def on_readable(self) -> bool:
        """Read, and throw away; tell whether there will be more."""
        try:
            data = self.sock.recv(_READ_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._done.received += len(data)
        self._has_answer = True
        return bool(data)

    def go_on(self, now: float) -> bool:
        """Send what the script says next; tell whether it goes on."""
        if self._awaits_answer and not self._has_answer:
            return True
        self._awaits_answer = False
        try:
            if not self._unsent:
                step = next(self._script)
                if isinstance(step, Pause):
                    self._awaits_answer = step is ANSWER
                    self.wakes_at = 0.0 if step is ANSWER else now + step.seconds
                    return True
                self._has_answer = False
                self._unsent = memoryview(step)
            sent = self.sock.send(self._unsent)
        except BlockingIOError:
            return True
        except (StopIteration, OSError):
            return False
        self._done.sent += sent
        self._unsent = self._unsent[sent:]
        return True


class Driver:
    """Plays *attack* against *address* on so many sockets at once."""

    def __init__(self, attack: Attack, address: tuple[str, int], sockets: int) -> None:
        self.done = Done()
        self._attack = attack
        self._address = address
        self._wanted = sockets
        self._poller = select.epoll()
        self._sockets: dict[int, HostileSocket] = {}
        self._sleeping: list[tuple[float, int, int]] = []
        self._number = 0
        self._not_before = 0.0

    def run(self, seconds: float) -> Done:
        """Attack for *seconds*, then leave without a word."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            self._open_some(now)
            self._wake(now)
            for fileno, event in self._poller.poll(_TURN_SECONDS, 1024):
                if (hostile := self._sockets.get(fileno)) is not None:
                    self._serve(fileno, hostile, event, now)
        for hostile in self._sockets.values():
            hostile.sock.close()
        self._poller.close()
        return self.done

    def _open_some(self, now: float) -> None:
        if now < self._not_before:
            return
        for _ in range(min(self._wanted - len(self._sockets), _OPENED_PER_TURN)):
            self._number += 1
            try:
                hostile = HostileSocket(self._attack, self._address, self._number, self.done)
            except OSError:  # no port or no descriptor is left
                self._not_before = now + _RETRY_SECONDS
                return
            self._sockets[hostile.sock.fileno()] = hostile
            self._poller.register(hostile.sock, hostile.interest)

    def _wake(self, now: float) -> None:
        while self._sleeping and self._sleeping[0][0] <= now:
            _, fileno, number = heapq.heappop(self._sleeping)
            hostile = self._sockets.get(fileno)
            if hostile is not None and hostile.number == number:
                hostile.wakes_at = 0.0
                self._poller.modify(hostile.sock, hostile.interest)

    def _serve(self, fileno: int, hostile: HostileSocket, event: int, now: float) -> None:
        before = hostile.interest
        goes_on = not event & (select.EPOLLHUP | select.EPOLLERR)
        if goes_on and event & select.EPOLLIN:
            goes_on = hostile.on_readable()
        if goes_on and event & select.EPOLLOUT:
            goes_on = hostile.go_on(now)
        if not goes_on:
            self._forget(fileno, hostile)
        elif (interest := hostile.interest) != before:
            self._poller.modify(hostile.sock, interest)
            if hostile.wakes_at:
                heapq.heappush(self._sleeping, (hostile.wakes_at, fileno, hostile.number))

    def _forget(self, fileno: int, hostile: HostileSocket) -> None:
        self.done.ended += 1
        del self._sockets[fileno]
        with contextlib.suppress(OSError):
            self._poller.unregister(hostile.sock)
        hostile.sock.close()
