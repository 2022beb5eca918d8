"""
What the dashboard shows, in the order in which one asks at night.

Does it work, who is connected, do they get what is published, is anything lost, who is slow, Redis, the api. Below 800
pixels Grafana stacks the panels in this order.
"""

from __future__ import annotations

from .panels import ORANGE, RED, Panel, heatmap, lines, quantile, query, rate, stat


def works() -> list[Panel]:
    """Does it work: six numbers."""
    p99 = quantile(0.99, "tandem_delivery_seconds", selector='PODS, stage="commit_to_client"')
    failed = 'sum(increase(tandem_recoveries_total{PODS, outcome="unrecovered"}[$__range]))'
    alerts = 'count(ALERTS{alertname=~"Tandem.*", alertstate="firing", namespace=~"$namespace|"}) or vector(0)'
    return [
        stat(
            "Connections now", "Open sockets and streams, counted at the last scrape.", "sum(tandem_connections{PODS})"
        ),
        stat("Alerts", "Tandem alerts that fire now.", alerts, steps=[(RED, 1)]),
        stat(
            "Oldest canary",
            "Each process publishes to itself every 15 s. Over 25 s, publications do not reach a pod.",
            "max(tandem_canary_age_seconds{PODS})",
            unit="s",
            steps=[(ORANGE, 20), (RED, 25)],
        ),
        stat(
            "Commit to browser, p99",
            "From the publish after the commit until sampled clients had it. The clocks' difference is taken out.",
            p99,
            unit="s",
            steps=[(ORANGE, 0.5), (RED, 2)],
        ),
        stat("Told to reload", "Subscriptions that could not be recovered.", failed, steps=[(ORANGE, 1), (RED, 100)]),
        stat("Draining", "Processes on their way out.", "sum(tandem_draining{PODS})", steps=[(ORANGE, 1)]),
    ]


def connected() -> list[Panel]:
    """Who is connected, who comes and who goes."""
    return [
        lines(
            "Connections by pod",
            "Counted from live sockets at each scrape.",
            query("sum by (pod) (tandem_connections{PODS})", "{{pod}}"),
            stacked=True,
        ),
        lines(
            "Connections by transport",
            "`custom` is a route of the team's own.",
            query("sum by (transport, endpoint) (tandem_connections{PODS})", "{{transport}} {{endpoint}}"),
            stacked=True,
        ),
        lines(
            "Connects",
            "Accepted, and refused by reason.",
            query(rate("tandem_connections_opened_total", "transport"), "{{transport}}"),
            query(rate("tandem_connections_rejected_total", "reason") + " > 0", "refused: {{reason}}"),
            unit="cps",
        ),
        lines(
            "Disconnects by code",
            "1000, 1001, 1005: the client left. 1006: it vanished. 3001: drain. 3008: too slow. 3012: no pong.",
            query(rate("tandem_connections_closed_total", "code") + " > 0", "{{code}}"),
            unit="cps",
            stacked=True,
        ),
        lines(
            "Subscriptions and channels",
            "Of people, not the canary's. Channels are counted in each pod that has a subscriber.",
            query("sum(tandem_subscriptions{PODS})", "subscriptions"),
            query("sum(tandem_channels{PODS})", "channels"),
        ),
        lines(
            "Age at the end",
            "How long connections had lasted when they ended.",
            query(quantile(0.5, "tandem_connection_age_seconds"), "median"),
            query(quantile(0.1, "tandem_connection_age_seconds"), "shortest tenth"),
            unit="s",
        ),
    ]


def delivered() -> list[Panel]:
    """Do they get what is published, and when."""
    by_stage = "le, stage"
    return [
        heatmap(
            "Commit to send",
            "Age of each publication when it was written to the sockets.",
            rate("tandem_delivery_seconds_bucket", "le", 'PODS, stage="commit_to_send"'),
        ),
        lines(
            "Delivery latency",
            "Until written to the sockets, and until sampled clients had it.",
            query(quantile(0.5, "tandem_delivery_seconds", by_stage), "{{stage}} p50"),
            query(quantile(0.99, "tandem_delivery_seconds", by_stage), "{{stage}} p99"),
            unit="s",
        ),
        lines(
            "Publications",
            "Received from the channel layer by all pods (right axis), and written to connections (left).",
            query(rate("tandem_publications_received_total", "namespace"), "received"),
            query(rate("tandem_publications_delivered_total", "namespace"), "delivered"),
            unit="cps",
            aside="received",
        ),
        lines(
            "Fan-out",
            "Time to write one publication to every subscriber in a pod.",
            query(quantile(0.5, "tandem_fanout_seconds"), "p50"),
            query(quantile(0.99, "tandem_fanout_seconds"), "p99"),
            unit="s",
        ),
        lines(
            "Bytes sent",
            "Written to sockets, frames included.",
            query(rate("tandem_bytes_sent_total", "pod"), "{{pod}}"),
            unit="Bps",
        ),
        lines(
            "Client reports",
            "From the sampled clients; `dropped` are those with an impossible time.",
            query(rate("tandem_client_reports_total", "outcome"), "{{outcome}}"),
            unit="cps",
        ),
    ]


def whole() -> list[Panel]:
    """Is anything lost."""
    return [
        lines(
            "Recoveries",
            "Subscriptions that came back with a position. `unrecovered` pages reload.",
            query(rate("tandem_recoveries_total", "outcome"), "{{outcome}}"),
            unit="cps",
        ),
        lines(
            "Gaps repaired, layer reconnects",
            "What the channel layer lost and the streams gave back.",
            query(rate("tandem_gaps_repaired_total", "namespace"), "gaps repaired"),
            query(rate("tandem_layer_reconnects_total", "namespace"), "layer reconnects"),
            unit="cps",
        ),
        lines(
            "Position checks",
            "`behind` was repaired, `reset` was told, `error` is tried again.",
            query(rate("tandem_position_checks_total", "outcome"), "{{outcome}}"),
            unit="cps",
        ),
        lines(
            "Commands",
            "What clients ask, by outcome.",
            query(rate("tandem_commands_total", "method, outcome"), "{{method}} {{outcome}}"),
            unit="cps",
        ),
    ]


def slow() -> list[Panel]:
    """Who is slow, and which process is."""
    return [
        lines(
            "Send buffers",
            "Bytes that wait because clients read slowly.",
            query("sum by (pod) (tandem_send_buffer_bytes{PODS})", "{{pod}}"),
            unit="bytes",
        ),
        lines(
            "Slow readers ended",
            "Disconnected with 3008; they come back and recover.",
            query(rate("tandem_slow_disconnects_total", "pod"), "{{pod}}"),
            unit="cps",
        ),
        lines(
            "Event loop lag, p99",
            "Every socket of a pod waits that long.",
            query(quantile(0.99, "tandem_event_loop_lag_seconds", "le, pod"), "{{pod}}"),
            unit="s",
        ),
        lines(
            "CPU",
            "1 is one core; a process uses no more.",
            query("sum by (pod) (rate(process_cpu_seconds_total{PODS}[$__rate_interval]))", "{{pod}}"),
        ),
        lines(
            "Memory",
            "Resident memory of the processes.",
            query("sum by (pod) (process_resident_memory_bytes{PODS})", "{{pod}}"),
            unit="bytes",
        ),
        lines("Draining", "1 from SIGTERM to exit.", query("max by (pod) (tandem_draining{PODS})", "{{pod}}")),
    ]


def redis() -> list[Panel]:
    """Redis, from the official exporter."""
    return [
        lines(
            "Redis memory",
            "Nothing is evicted: when it is full every publish fails.",
            query("redis_memory_used_bytes{API}", "{{pod}} used"),
            query("redis_memory_max_bytes{API} > 0", "{{pod}} limit"),
            unit="bytes",
        ),
        lines(
            "Redis commands",
            "Processed by each shard.",
            query("rate(redis_commands_processed_total{API}[$__rate_interval])", "{{pod}}"),
            unit="cps",
        ),
        lines("Redis clients", "Connections to each shard.", query("redis_connected_clients{API}", "{{pod}}")),
        lines("Redis up", "1 while the exporter reaches it.", query("redis_up{API}", "{{pod}}")),
    ]


def api() -> list[Panel]:
    """The api: requests and publishes."""
    return [
        lines(
            "Requests by status",
            "Answers of the api.",
            query(rate("tandem_http_requests_total", "status", "API"), "{{status}}"),
            unit="reqps",
            stacked=True,
        ),
        lines(
            "Request time, p99",
            "By route pattern.",
            query(quantile(0.99, "tandem_http_request_seconds", "le, method, route", "API"), "{{method}} {{route}}"),
            unit="s",
        ),
        lines(
            "Publishes",
            "`repeat` met its idempotency key again, `outdated` a later version; anything else but `ok` failed.",
            query(rate("tandem_publishes_total", "outcome", "API"), "{{outcome}}"),
            unit="cps",
        ),
        lines(
            "Publish time",
            "One Lua call: append and send.",
            query(quantile(0.5, "tandem_publish_seconds", selector="API"), "p50"),
            query(quantile(0.99, "tandem_publish_seconds", selector="API"), "p99"),
            unit="s",
        ),
        lines(
            "Outbox",
            "Committed, not yet published; what was set aside for somebody to look at; 1 while publishing is paused.",
            query("max by (namespace) (tandem_outbox_pending{API})", "waiting"),
            query("max by (namespace) (tandem_outbox_set_aside{API})", "set aside"),
            query("max by (namespace) (tandem_outbox_paused{API})", "paused"),
        ),
        lines(
            "Redis pool",
            "Connections of the publisher.",
            query("sum by (state) (tandem_redis_pool_connections{API})", "{{state}}"),
        ),
    ]


# Title: panels, their width of 24, their height.
ROWS = {
    "Does it work": (works, 4, 4),
    "Who is connected": (connected, 12, 8),
    "Do they get it": (delivered, 12, 8),
    "Is anything lost": (whole, 12, 7),
    "Who is slow": (slow, 8, 7),
    "Redis": (redis, 6, 7),
    "The api": (api, 8, 7),
}
