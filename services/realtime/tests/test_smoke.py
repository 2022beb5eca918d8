"""What `helm test` runs: a Redis that gives no answer yet is asked again, and what it said is told in a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from rig.overrides import override_tandem
from rig.servers import RedisServer
from tandem_realtime.smoke import Failed, first_answer, send


def test_redis_without_an_answer_is_asked_again(tmp_path: Path) -> None:
    """A busy node is no fault of the installation."""
    with RedisServer(tmp_path) as server, override_tandem(redis_urls=[server.url]):
        server.stop()
        with pytest.raises(Failed, match=r"^Redis: "):
            send("public:smoke", "first")
        server.start()
        first_answer(lambda: send("public:smoke", "second"), 30)
