"""A browser at the inbox's routes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from django.contrib.auth.models import User
from django.test import Client

from tandem.inbox.web import shapes

SHAPES = {
    "/inbox/": shapes.ListAnswer,
    "/inbox/counts/": shapes.CountsAnswer,
    "/inbox/mark/": shapes.MarkAnswer,
    "/inbox/preferences/": shapes.PreferencesAnswer,
}


class Browser:
    """Somebody's browser; what it gets must have the form that the OpenAPI page says."""

    def __init__(self, who: User) -> None:
        self.client = Client()
        self.client.force_login(who)

    def get(self, path: str = "", status: int = 200, **query: Any) -> Any:
        """Return the JSON at *path*."""
        return self._read(f"/inbox/{path}", self.client.get(f"/inbox/{path}", query), status)

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        """Return what *path* answers to *body*."""
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        return self._read(f"/inbox/{path}", self.client.post(f"/inbox/{path}", text, "application/json"), status)

    def _read(self, path: str, response: Any, status: int) -> Any:
        assert response.status_code == status, response.content
        shape = SHAPES.get(path, shapes.ItemAnswer) if status == 200 else shapes.Refusal
        msgspec.json.decode(response.content, type=shape)
        assert "no-store" in response["Cache-Control"]
        return response.json()
