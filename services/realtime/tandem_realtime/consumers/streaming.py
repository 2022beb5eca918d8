"""A response that goes on: what a session says becomes chunks, and its end is told before the response ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tandem_realtime.consumers.http import HttpConsumer
from tandem_realtime.consumers.refusals import address_of
from tandem_realtime.consumers.send_queue import SendQueue, limits_of
from tandem_realtime.protocol.codes import SLOW, Disconnect
from tandem_realtime.protocol.encodings import Encoding
from tandem_realtime.runtime import runtime
from tandem_realtime.session import Session
from tandem_realtime.session.subscriber import FollowUp


class StreamConsumer(HttpConsumer):
    """A request that is answered for as long as its client stays."""

    content_type = b"text/event-stream"

    async def stream(
        self,
        receive: Any,
        encoding: Encoding,
        goodbye: Callable[[Disconnect], bytes] | None,
        begin: Callable[[Session], Awaitable[None]],
        *,
        prelude: bytes = b"",
        is_plain: bool = False,
    ) -> None:
        """
        Run a session until either side ends it. *begin* starts it, *prelude* is what the client gets at once.

        *goodbye* tells the client why the response ends; without it the response breaks off.
        """
        queue = SendQueue(self.send, limits_of(runtime().options), slow=lambda: session.disconnect(SLOW))

        def write(data: bytes) -> None:
            queue.put(_chunk(data), len(data))

        def write_later(page: FollowUp) -> None:
            queue.put(lambda: _chunk(b"".join(page.frames())), page.size)

        def close(code: int, reason: str) -> None:
            last = b"" if goodbye is None else goodbye(Disconnect(code, reason))
            queue.finish({"type": "http.response.body", "body": last, "more_body": goodbye is None}, code=code)

        address = address_of(self.scope)
        session = Session(
            runtime(), encoding, write, close, is_plain=is_plain, address=address, write_later=write_later
        )
        if register := self.scope.get("extensions", {}).get("tandem.close"):
            register(lambda code, reason: session.disconnect(Disconnect(code, reason)))
        await self.start(200, [(b"content-type", self.content_type)])
        write(prelude)  # also sends the head
        await self._run(session, queue, receive, begin)

    async def _run(
        self, session: Session, queue: SendQueue, receive: Any, begin: Callable[[Session], Awaitable[None]]
    ) -> None:
        sending = asyncio.create_task(queue.run())
        leaving = asyncio.create_task(_until_gone(receive))
        beginning = asyncio.ensure_future(begin(session))
        try:
            await asyncio.wait((beginning, leaving), return_when=asyncio.FIRST_COMPLETED)
            if beginning.done():
                beginning.result()
                await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            session.connection_lost()
            queue.free()
            await _end(beginning, sending, leaving)


def _chunk(data: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": True}


def goodbye_in(encoding: Encoding) -> Callable[[Disconnect], bytes]:
    """Return what tells an SDK's client why its response ends."""
    return lambda why: encoding.wrap(encoding.dialect.push_disconnect(why))


async def _until_gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end(*tasks: asyncio.Future[None]) -> None:
    """Cancel what still runs and raise the first failure of what has ended."""
    for task in tasks:
        task.cancel()
    outcomes: Sequence[BaseException | None] = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
