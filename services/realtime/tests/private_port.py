"""A process with nothing but the private port, for test_health: port number as argument; not ready once told so."""

import sys

from twisted.internet import asyncioreactor

asyncioreactor.install()

from twisted.internet import reactor, stdio  # noqa: E402 - a reactor is installed before it is imported
from twisted.internet.protocol import Protocol  # noqa: E402

from tandem_realtime.observing import health  # noqa: E402


class Orders(Protocol):
    """Each line on standard input becomes the answer of the check "told"."""

    answer: str | None = None

    def dataReceived(self, data: bytes) -> None:
        Orders.answer = data.decode().strip() or None
        sys.stdout.write("done\n")
        sys.stdout.flush()


stdio.StandardIO(Orders())
health.listen(reactor, int(sys.argv[1]), "127.0.0.1", {"told": lambda: Orders.answer})
reactor.run()
