"""The server API through the client that users have: ``cent``, unchanged."""

from __future__ import annotations

from collections.abc import Iterator

import cent
import pytest

from tests.gunicorn_process import Gunicorn

CHANNEL = "public:from-cent"


@pytest.fixture
def client(served: Gunicorn) -> Iterator[cent.Client]:
    """A client with a good key."""
    with cent.Client(f"{served.url}/server", "new-key") as client:
        yield client


def test_publish_and_history(client: cent.Client) -> None:
    """What was published comes back, from the position that publish answered."""
    before = client.history(cent.HistoryRequest(channel=CHANNEL))
    published = client.publish(cent.PublishRequest(channel=CHANNEL, data={"n": 1}, tags={"k": "v"}))
    since = cent.StreamPosition(offset=before.offset, epoch=before.epoch)
    found = client.history(cent.HistoryRequest(channel=CHANNEL, limit=10, since=since))

    assert published.offset == before.offset + 1
    assert [(each.data, each.offset, each.tags) for each in found.publications] == [
        ({"n": 1}, published.offset, {"k": "v"})
    ]


def test_broadcast(client: cent.Client) -> None:
    """Each channel has its response."""
    channels = ["public:one", "nowhere:two"]
    result = client.broadcast(cent.BroadcastRequest(channels=channels, data=1, idempotency_key="key"))

    assert [(each.result is not None, each.error and each.error.code) for each in result.responses] == [
        (True, None),
        (False, 102),
    ]


def test_batch(client: cent.Client) -> None:
    """Replies come in the order of the requests."""
    requests = [cent.PublishRequest(channel="public:batch", data=n) for n in range(3)]
    result = client.batch(cent.BatchRequest(requests=[*requests, cent.HistoryRequest(channel="public:batch", limit=1)]))
    offsets = [reply.model_dump()["offset"] for reply in result.replies]

    assert [offset - offsets[0] for offset in offsets] == [0, 1, 2, 2]


def test_connections(client: cent.Client) -> None:
    """Whatever concerns connections is accepted, whether there are any or not."""
    client.subscribe(cent.SubscribeRequest(user="42", channel=CHANNEL))
    client.unsubscribe(cent.UnsubscribeRequest(user="42", channel=CHANNEL))
    client.refresh(cent.RefreshRequest(user="42", expired=True))
    client.disconnect(cent.DisconnectRequest(user="42", disconnect=cent.Disconnect(code=4000, reason="bye")))
    client.history_remove(cent.HistoryRemoveRequest(channel=CHANNEL))


def test_error_has_its_code(client: cent.Client) -> None:
    """An unknown channel is error 102."""
    with pytest.raises(cent.CentApiResponseError) as raised:
        client.publish(cent.PublishRequest(channel="nowhere:a", data=1))

    assert (raised.value.code, raised.value.message) == (102, "unknown channel")


def test_wrong_key(served: Gunicorn) -> None:
    """cent has an exception for it."""
    with cent.Client(f"{served.url}/server", "wrong") as client, pytest.raises(cent.CentUnauthorizedError):
        client.info(cent.InfoRequest())
