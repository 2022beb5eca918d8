"""``{% excerpt "orders" %}``: lines of our own source, and where they stand."""

from __future__ import annotations

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from api.front.excerpts import EXCERPTS
from api.front.excerpts import excerpt as lines_of

register = template.Library()


@register.simple_tag
def excerpt(*names: str) -> SafeString:
    """Show the excerpts *names*, each under a link to its file."""
    rows = [(reverse("source", args=[EXCERPTS[name].path]), EXCERPTS[name].path, lines_of(name)) for name in names]
    figures = format_html_join(
        "",
        '<figure class="code"><figcaption><a href="{}">{}</a></figcaption>'
        '<pre tabindex="0"><code>{}</code></pre></figure>',
        rows,
    )
    return format_html('<div class="excerpts">{}</div>', figures)
