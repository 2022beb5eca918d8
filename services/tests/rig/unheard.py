"""A publication that the channel layer loses: in the stream, and nowhere else."""

from __future__ import annotations

from rig.keeper import Producer
from tandem import scripts
from tandem.errors import TandemError
from tandem.groups import group_for, layer_channel
from tandem.namespaces import Namespaces
from tandem.publication import pack_body
from tandem.shards import shards


def publish_unheard(producer: Producer) -> None:
    """Append to the stream what the layer will not carry."""
    number, producer.next_number = producer.next_number, producer.next_number + 1
    namespace = Namespaces({"public": {"history_size": 300, "history_ttl": 60}}).of(producer.channel)
    body = pack_body(producer.channel, str(number).encode(), tags=b"", info=b"", time=0, request="")
    call = scripts.publish_call(producer.channel, namespace, body, once=None)
    heard = layer_channel(group_for(producer.channel))
    unheard = tuple(f"{heard}.by-nobody" if value == heard else value for value in call.args)
    try:
        reply = shards().run(producer.channel, call._replace(args=unheard))
    except TandemError as error:
        producer.failed[number] = error
    else:
        producer.confirmed[number] = scripts.parse_published(reply).position
