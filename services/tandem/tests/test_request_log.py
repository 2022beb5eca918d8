"""The request id and the line for each request."""

from __future__ import annotations

import pytest
from django.test import Client
from structlog.testing import capture_logs

from tandem.request_log import accept_request_id

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("project")]


def test_request_id_of_the_edge_is_kept(client: Client) -> None:
    """What the edge calls a request, we call it too."""
    assert client.get("/pages/a/", headers={"X-Request-ID": "0af7-651.a_B"})["X-Request-ID"] == "0af7-651.a_B"


@pytest.mark.parametrize("offered", ["", "a b", "x" * 65, "{}", "ä", 'a"'])
def test_unfit_request_id_is_replaced(offered: str) -> None:
    """Nobody writes into our log through a header."""
    made = accept_request_id(offered)

    assert made != offered
    assert len(made) == 32


def test_one_line_tells_a_request(client: Client) -> None:
    """Method, path, status, duration: no query, no body."""
    with capture_logs() as lines:
        client.post("/pages/visitor/?token=secret", {"by": "0"})

    [line] = [line for line in lines if line["event"] == "request"]
    assert (line["method"], line["path"], line["status"]) == ("POST", "/pages/visitor/", 404)
    assert "secret" not in str(lines)
