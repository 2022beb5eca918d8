"""Channel names and namespace options: what is declared, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tandem.errors import InvalidChannel, UnknownNamespace
from tandem.namespaces import Namespace, Namespaces, may_subscribe, namespace_name, users_named_in

HISTORY = {"history_size": 3, "history_ttl": 60}


def test_options_are_those_of_the_part_before_the_colon() -> None:
    """`public:a:b` belongs to `public`; a channel without a colon to the empty name."""
    namespaces = Namespaces({"public": {"subscribe": "anyone"}, "": {"presence": True}})

    assert namespaces.of("public:a:b") == Namespace(subscribe="anyone")
    assert namespaces.of("lobby") == Namespace(presence=True)
    assert namespace_name("public:a:b") == "public"


def test_undeclared_namespace_is_refused() -> None:
    """What is not declared does not exist, the empty name included."""
    with pytest.raises(UnknownNamespace, match="the namespace of 'secret:1' is not declared"):
        Namespaces({"public": {}}).of("secret:1")
    with pytest.raises(UnknownNamespace):
        Namespaces({"public": {}}).of("lobby")


@pytest.mark.parametrize(
    "channel",
    ["", " ", "a b", "a\n", "a\nb", "\x00", "\x7f", "é", "public:☃", "x" * 256, "public:" + "x" * 249, "\ud800"],
)
def test_malformed_channel_is_refused(channel: str) -> None:
    """A channel is 1 to 255 printable ASCII characters without spaces."""
    with pytest.raises(InvalidChannel, match="a channel is 1 to 255 printable ASCII characters without spaces"):
        Namespaces({"public": {}, "": {}}).of(channel)


def test_longest_channel_is_accepted() -> None:
    """255 characters are allowed."""
    assert Namespaces({"": {}}).of("x" * 255) == Namespace()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"history": 5}, "namespace 'n': Object contains unknown field `history`"),
        ({"history_size": "5"}, r"namespace 'n': Expected `int`, got `str`"),
        ({"history_size": 5}, "namespace 'n': history_size and history_ttl are set together or not at all"),
        ({"history_size": -1, "history_ttl": 5}, "namespace 'n': history_size and history_ttl are zero or more"),
        ({"recovery": True}, "namespace 'n': recovery needs history_size and history_ttl"),
        ({"latest": True}, "namespace 'n': latest needs history_size and history_ttl"),
        ({"read_history": "subscribers"}, "namespace 'n': read_history needs history_size and history_ttl"),
        ({"subscribe": "everyone"}, r"namespace 'n': Invalid enum value 'everyone'"),
        (5, "namespace 'n': 'int' object is not iterable"),
    ],
)
def test_impossible_options_are_refused_by_name(options: Any, text: str) -> None:
    """The error names the namespace and the option."""
    with pytest.raises(ValueError, match=text):
        Namespaces({"n": options})


@pytest.mark.parametrize("name", ["a:b", "a b", "é"])
def test_name_that_no_channel_can_have_is_refused(name: str) -> None:
    """A namespace that nobody could ever reach is a mistake."""
    with pytest.raises(ValueError, match="a name is printable ASCII without spaces or colons"):
        Namespaces({name: {}})


@pytest.mark.parametrize(
    ("channel", "users"),
    [("n:#42", ["42"]), ("n:chat#1,2", ["1", "2"]), ("n:x", []), ("n:x#", []), ("n:#a#b", ["a#b"])],
)
def test_users_are_named_after_the_mark(channel: str, users: list[str]) -> None:
    """Ids stand after `#`, with commas between."""
    assert users_named_in(channel) == users


@pytest.mark.parametrize(
    ("options", "channel", "user", "allowed"),
    [
        ({}, "n:x", "42", False),
        ({"subscribe": "anyone"}, "n:x", "", True),
        ({"subscribe": "authenticated"}, "n:x", "", False),
        ({"subscribe": "authenticated"}, "n:x", "42", True),
        ({"subscribe": "named"}, "n:#42", "42", True),
        ({"subscribe": "named"}, "n:#42,43", "43", True),
        ({"subscribe": "named"}, "n:#42", "4", False),
        ({"subscribe": "named"}, "n:#", "", False),
        ({"subscribe": "named"}, "n:#,", "", False),
        ({"subscribe": "named"}, "n:x", "42", False),
        ({"personal": True}, "n:#42", "42", True),
        ({"personal": True}, "n:#42,43", "42", False),
        ({"personal": True}, "n:#42", "43", False),
        ({"personal": True}, "n:#", "", False),
    ],
)
def test_who_may_subscribe_without_a_token(options: dict[str, Any], channel: str, user: str, allowed: bool) -> None:
    """Default deny; anonymous is nobody's name."""
    assert may_subscribe(channel, Namespaces({"n": options}).of(channel), user) is allowed


def test_personal_channels_are_those_of_the_user() -> None:
    """One for each personal namespace; none for an anonymous client."""
    namespaces = Namespaces({"mail": {"personal": True}, "": {"personal": True}, "public": {}})

    assert namespaces.personal_channels("42") == ["mail:#42", "#42"]
    assert namespaces.personal_channels("") == []


@pytest.mark.parametrize("user", ["a b", "José", "x" * 255, "1,2"])
def test_user_whose_id_fits_no_channel_has_no_personal_one(user: str) -> None:
    """Nobody is kept from connecting by an odd id, and nobody shares a channel by a comma in it."""
    assert Namespaces({"mail": {"personal": True}}).personal_channels(user) == []
