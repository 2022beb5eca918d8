"""What Redis answers with an error, as a type and a code."""

from __future__ import annotations

import pytest
import redis

from tandem.connecting import said_by_script
from tandem.errors import reply_error

BEFORE_7 = "Error running script (call to f_f2e8a04e): @user_script:121: @user_script: 121: -"


@pytest.mark.parametrize("beginning", ["", BEFORE_7, f"ERR {BEFORE_7}"], ids=["7.0", "6.2", "6.2-whole"])
def test_what_a_script_met_has_its_own_code(beginning: str) -> None:
    """Redis before 7 wraps it."""
    error = reply_error(f"{beginning}OOM command not allowed when used memory > 'maxmemory'.")

    assert (error.code, error.text) == ("OOM", "OOM command not allowed when used memory > 'maxmemory'.")


def test_replica_is_known_by_what_a_script_met() -> None:
    """So that whoever holds a connection to it looks for the master."""
    said = said_by_script(redis.ResponseError(f"{BEFORE_7}READONLY You can't write against a read only replica."))

    assert isinstance(said, redis.exceptions.ReadOnlyError)


@pytest.mark.parametrize("text", ["WRONGTYPE no", "ERR Error running script (call to f_ab): @user_script:1: no"])
def test_other_errors_stay_as_they_are(text: str) -> None:
    """A fault of the script itself is none of these."""
    assert reply_error(text).text == text
    assert str(said_by_script(redis.ResponseError(text))) == text
