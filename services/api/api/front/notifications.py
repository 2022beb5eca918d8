"""What the front page notifies of."""

from __future__ import annotations

import tandem.inbox


@tandem.inbox.kind("front.greeting")
class Greeting:
    """From one of the two to the other, or to oneself."""

    label = "Greetings"
    title = "{{ actor }} says hello"
    category = "greetings"


@tandem.inbox.kind("front.missed")
class Missed:
    """One of the ten things that happen while a visitor has cut the line."""

    label = "While you were away"
    title = "This happened while the line was cut"
    body = "Nobody sent it again: your page asked from where it stood."
    category = "greetings"
