"""What is tried at the beginning of each connection, which in the middle of work would be refused too late."""

from __future__ import annotations

from tandem.groups import layer_channel, publish_command
from tandem.names import plain_key
from tandem.redis.commands import Command


def rights_commands() -> list[Command]:
    """
    Return commands that do nothing, and are forbidden to whom ours would be.

    Refused inside a script, a PUBLISH would come after the write.
    """
    return [("EXISTS", plain_key("rights", "")), publish_command(layer_channel("tandem.rights"), "")]
