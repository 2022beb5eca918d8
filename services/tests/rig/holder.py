"""A process that holds sockets open and answers pings: `python -m rig.holder COUNT CHANNEL URL...`."""

from __future__ import annotations

import asyncio
import contextlib
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def hold(url: str, channel: str, ready: asyncio.Semaphore) -> None:
    """Hold one socket until it is closed."""
    with contextlib.suppress(ConnectionClosed):
        async with connect(url, ping_interval=None, compression=None, open_timeout=60) as socket:
            await socket.send(f'{{"id":1,"connect":{{}}}}\n{{"id":2,"subscribe":{{"channel":"{channel}"}}}}')
            replies = 0
            async for frame in socket:
                for line in str(frame).splitlines():
                    replies += line.startswith('{"id"')
                    if line == "{}":
                        await socket.send("{}")
                if replies == 2:
                    replies = 3
                    ready.release()


async def main(count: int, channel: str, urls: list[str]) -> None:
    """Hold *count* sockets, spread over *urls* in turn."""
    ready = asyncio.Semaphore(0)
    tasks = []
    for number in range(count):
        tasks.append(asyncio.create_task(hold(urls[number % len(urls)], channel, ready)))
        if number % 50 == 49:
            await asyncio.sleep(0.05)
    for _ in range(count):
        await ready.acquire()
    print("ready", flush=True)
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
