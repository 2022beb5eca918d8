"""How tests ask the server API."""

from __future__ import annotations

from typing import Any

import msgspec
from django.test import Client


def post(method: str, body: Any, key: str = "new-key") -> Any:
    """POST *body* (an object, or bytes as they are) and return the answer."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Client().post(f"/server/{method}", content, content_type="application/json", headers={"X-API-Key": key})


def ask(method: str, body: Any, key: str = "new-key") -> Any:
    """POST *body* and return the JSON of an answer that is no refusal of all of it."""
    answer = post(method, body, key)
    assert answer.status_code == 200
    return answer.json()
