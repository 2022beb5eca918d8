"""How tests ask the server API."""

from __future__ import annotations

from typing import Any

import msgspec
from django.test import Client


def ask(method: str, body: Any, key: str = "new-key") -> Any:
    """POST *body* (an object, or bytes as they are) and return the answer's JSON."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    answer = Client().post(f"/server/{method}", content, content_type="application/json", headers={"X-API-Key": key})
    assert answer.status_code == 200
    return answer.json()
