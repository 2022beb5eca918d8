"""
``{% load tandem %}{% tandem %}``: tandem.js and its configuration, for the head of a page.

The library also has the tags of whichever apps of the package are installed.
"""

from __future__ import annotations

from django import template
from django.template.context import Context
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString

from tandem.page import configuration
from tandem.script_tag import request_of, script_tag
from tandem.tags_of_apps import libraries

register = template.Library()
for library in libraries():
    register.tags.update(library.tags)

CONFIG_ID = "tandem-config"


@register.simple_tag(takes_context=True)
def tandem(context: Context, endpoint: str = "") -> SafeString:
    """
    Make the page ready for tandem.js. *endpoint* is where realtime is, if that is not ``/ws`` beside the project.

    Works under a strict Content-Security-Policy: nothing is inline but JSON, and the script carries the page's nonce.
    """
    data = configuration(request_of(context, "tandem"), endpoint)
    return format_html("{}\n{}", json_script(data, CONFIG_ID), script_tag(context, "tandem/tandem.js"))
