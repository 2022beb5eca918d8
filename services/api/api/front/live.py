"""What the live block of who is here shows."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from django.http import HttpRequest

from tandem import RedisUnavailable
from tandem.live import source
from tandem.presence import presence

DESK = "desk:front"


@source(channel=DESK)
def here(request: HttpRequest) -> dict[str, Any]:
    """Return the names of who looks at the page now, each with the number of browsers."""
    try:
        names = Counter(json.loads(info)["chan_info"]["name"] for info in presence(DESK).values())
    except RedisUnavailable:  # the page says stale
        names = Counter()
    return {"people": sorted(names.items())}
