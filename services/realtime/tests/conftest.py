"""Django as the realtime service's own tests need it."""

from __future__ import annotations

import os

os.environ.setdefault("TANDEM_DEBUG", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime.settings")
