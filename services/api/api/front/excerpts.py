"""Lines of this example's own source, for its pages to show: never a copy, so never out of date."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

PACKAGE = Path(__file__).resolve().parents[1]

_TOKEN = re.compile(
    r"(?P<comment>(?:#(?![0-9])|// )[^\n]*|\{#.*?#\})|(?P<tag>\{%.*?%\}|</?[a-z-]+>?)"
    r'|(?P<string>""".*?"""|"[^"\n]*"|`[^`\n]*`)'
    r"|(?P<name>@[\w.]+)|(?P<keyword>\b(?:def|class|with|return|from|import|if|else|for|in|and|or|not|is|None|True|False"
    r"|const|await|async|new|export)\b)|(?P<call>\b\w+(?=\())",
    re.MULTILINE | re.DOTALL,
)


class Excerpt(NamedTuple):
    """*lines* lines of a file of the package, from the first one that begins with *start* (whatever its indent)."""

    path: str
    start: str
    lines: int


EXCERPTS = {
    "counter": Excerpt("counters/actions.py", "counter = find(name)\n    data", 3),
    "counter-js": Excerpt("front/static/front/counter.js", "tandem.subscribe(", 5),
    "order": Excerpt("orders/models.py", "@tandem.broadcasts", 2),
    "orders": Excerpt("orders/live.py", "@source", 4),
    "orders-tag": Excerpt("front/templates/front/_orders.html", "{% live", 1),
    "ship": Excerpt("orders/actions.py", "if not order.has_shipped:", 4),
    "notify": Excerpt("orders/actions.py", "def _tell_owner", 3),
    "bell": Excerpt("front/templates/front/index.html", "{% inbox", 1),
    "here": Excerpt("front/channels.py", "@tandem.channel", 6),
    "line": Excerpt("front/static/front/line.js", "tandem.connect().open", 1),
}


@cache
def source_of(path: str) -> str:
    """Return the text of a file that some excerpt is of. Raises `LookupError` for every other one."""
    if path not in {each.path for each in EXCERPTS.values()}:
        raise LookupError(f"no page shows {path[:100]!r}")
    return (PACKAGE / path).read_text(encoding="utf-8")


@cache
def excerpt(name: str) -> SafeString:
    """Return the excerpt *name* as HTML."""
    path, start, count = EXCERPTS[name]
    text = source_of(path)
    found = re.search(rf"^[ ]*{re.escape(start)}", text, re.MULTILINE)
    if found is None:
        raise LookupError(f"{path} has no line that begins with {start!r}")
    lines = text[found.start() :].splitlines()[:count]
    indent = min(len(line) - len(line.lstrip()) for line in lines if line)
    return highlight("\n".join(line[indent:] for line in lines))


def highlight(text: str) -> SafeString:
    """Return code as HTML, with a class for each kind of word."""
    parts, end = [], 0
    for token in _TOKEN.finditer(text):
        parts += [escape(text[end : token.start()]), f'<span class="{token.lastgroup}">{escape(token[0])}</span>']
        end = token.end()
    return mark_safe("".join([*parts, escape(text[end:])]))  # every part is escaped
