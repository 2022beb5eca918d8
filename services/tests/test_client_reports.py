"""From the commit to the browser: what clients report is measured, and what cannot be true is dropped."""

from __future__ import annotations

import json
import time

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from rig.browser import open_browser, shown_value, wait_for_value
from rig.servers import wait_until
from rig.stack import COUNTER, Stack, press
from rig.tandem_page import WITHOUT
from rig.wire import open_wire

ALONE = WITHOUT["alone"]  # in a worker a page could not bend the dice and the clock


def told(stack: Stack, name: str, **labels: str) -> float:
    """One sample of what the realtime process tells Prometheus now."""
    text = httpx.get(f"http://127.0.0.1:{stack.private_port}/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return next(sample.value for sample in samples if sample.name == name and sample.labels == labels)


def reports(stack: Stack, outcome: str) -> float:
    """How many reports had this outcome."""
    return told(stack, "tandem_client_reports_total", outcome=outcome)


async def test_a_page_reports_what_it_received(stack: Stack, http: httpx.AsyncClient) -> None:
    """With every publication sampled, three presses are three reports, each of less than a few seconds."""
    before = reports(stack, "accepted")
    spent = told(stack, "tandem_delivery_seconds_sum", stage="commit_to_client")
    async with open_browser() as browser:
        page = await browser.new_page()
        await page.add_init_script(f"{ALONE} Math.random = () => 0")
        await page.goto(f"{stack.url}/counter/")
        await shown_value(page)
        values = await press(http, 3)
        await wait_for_value(page, values[-1])
        wait_until(lambda: reports(stack, "accepted") - before == 3, seconds=5)

    spent = told(stack, "tandem_delivery_seconds_sum", stage="commit_to_client") - spent
    assert 0 <= spent < 10


async def test_a_wrong_clock_is_taken_out(stack: Stack, http: httpx.AsyncClient) -> None:
    """A browser whose clock is an hour ahead reports as truly as any other."""
    before = reports(stack, "accepted")
    spent = told(stack, "tandem_delivery_seconds_sum", stage="commit_to_client")
    async with open_browser() as browser:
        page = await browser.new_page()
        await page.add_init_script(
            f"{ALONE} Math.random = () => 0; const now = Date.now; Date.now = () => now() + 3600000"
        )
        await page.goto(f"{stack.url}/counter/")
        await shown_value(page)
        [value] = await press(http)
        await wait_for_value(page, value)
        wait_until(lambda: reports(stack, "accepted") - before == 1, seconds=5)

    spent = told(stack, "tandem_delivery_seconds_sum", stage="commit_to_client") - spent
    assert 0 <= spent < 10


@pytest.mark.parametrize("received", [0, -1, -1e15, None, "NaN", "1e999", True, [], {}])
async def test_impossible_times_are_counted_and_dropped(
    stack: Stack, http: httpx.AsyncClient, received: object
) -> None:
    """1970, negative, no number: dropped; the connection does not suffer."""
    before, accepted = reports(stack, "dropped"), reports(stack, "accepted")
    async with open_wire(stack.ws_url) as wire:
        await wire.subscribe(COUNTER)
        await press(http)
        [publication] = await wire.publications(1)
        delivery = {"channel": COUNTER, "offset": publication["offset"], "received_ms": received}
        text = json.dumps({"send": {"data": {"delivery": delivery}}}).replace('"1e999"', "1e999")
        await wire.socket.send(text)
        await wire.command(ping={})

        assert reports(stack, "dropped") - before == 1
        assert reports(stack, "accepted") == accepted


async def test_a_report_of_nothing_is_dropped(stack: Stack, http: httpx.AsyncClient) -> None:
    """A channel that the client is not subscribed to, an offset that never was."""
    before = reports(stack, "dropped")
    async with open_wire(stack.ws_url) as wire:
        await wire.subscribe(COUNTER)
        for channel, offset in (("public:other", 1), (COUNTER, 10**9), (COUNTER, -3)):
            delivery = {"channel": channel, "offset": offset, "received_ms": time.time() * 1000}
            await wire.socket.send(json.dumps({"send": {"data": {"delivery": delivery}}}))
        await wire.command(ping={})

    assert reports(stack, "dropped") - before == 3
