"""The mode in which a client's own tests run: everybody may do everything that a namespace has."""

from __future__ import annotations

from tandem import apublish, tokens
from tests.session_clients import KEY, FakeTransport, running


async def test_everybody_may_do_everything(redis_url: str) -> None:
    """No token is looked at, and nobody has to subscribe first; the answer to connect says so."""
    async with running(redis_url, insecure=True, debug=True, bind_host="127.0.0.1") as runtime:
        client, other = FakeTransport(runtime), FakeTransport(runtime)
        reply = await client.connect(token="forged")
        await other.connect(token=tokens.connection_token(KEY, "42", ttl=-60))
        await client.subscribe("secret:a", token="forged")
        published = await other.command(publish={"channel": "secret:a", "data": 1})
        read = await other.command(history={"channel": "secret:a", "limit": 5})
        present = await other.command(presence={"channel": "room:a"})
        [push] = await client.until(1)

    assert reply["version"].endswith(" INSECURE")
    assert published == {"publish": {}}
    assert [each["data"] for each in read["history"]["publications"]] == [1]
    assert present == {"presence": {"presence": {}}}
    assert push["pub"]["data"] == 1


async def test_what_a_namespace_has_not_is_not_there(redis_url: str) -> None:
    """108 and 102 as ever."""
    async with running(redis_url, insecure=True, debug=True, bind_host="127.0.0.1") as runtime:
        client = FakeTransport(runtime)
        await client.connect()
        await apublish("live:a", 1)
        history = await client.command(history={"channel": "live:a"})
        nowhere = await client.command(subscribe={"channel": "nowhere:a"})

    assert (history["error"]["code"], nowhere["error"]["code"]) == (108, 102)
