"""A Prometheus beside the running demo, with the chart's own alerts. Run by ``make monitor``."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from demo import ports
from demo.problem import Problem
from demo.settings import ROOT, Settings

ALERTS = ROOT / "charts" / "tandem" / "alerts" / "tandem.yaml"
DASHBOARD = ROOT / "charts" / "tandem" / "dashboards" / "live-connections.json"
EXPORTERS = ("redis_exporter", "prometheus-redis-exporter")
# Above the demo's own first port: with the default of 9000 they are what everybody expects.
PROMETHEUS_STEP = 90
EXPORTER_STEP = 121


def main() -> int:
    """Run Prometheus, and a Redis exporter if there is one, until a signal ends them; return the exit status."""
    try:
        settings = Settings.from_environ(os.environ)
        run(settings)
    except Problem as problem:
        print(f"make monitor: {problem}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", flush=True)
    return 0


def run(settings: Settings) -> None:
    """Run Prometheus for the demo that *settings* describe. Raises `Problem`."""
    program = shutil.which("prometheus")
    if program is None:
        raise Problem("Prometheus is not installed (on Debian or Ubuntu: apt-get install prometheus).")
    exporter = next(filter(None, map(shutil.which, EXPORTERS)), None)
    prometheus_port, exporter_port = settings.port + PROMETHEUS_STEP, settings.port + EXPORTER_STEP
    wanted = {"Prometheus": prometheus_port} | ({"Redis exporter": exporter_port} if exporter else {})
    ports.check_free(wanted, host="127.0.0.1")
    targets = {
        ("realtime", "realtime-0"): settings.ports["realtime metrics"],
        ("api", "api-0"): settings.ports["api metrics"],
    }
    if exporter:
        targets["redis", "redis-0"] = exporter_port
    config = write_config(settings.state, targets, namespace="demo")
    print(_addresses(prometheus_port, has_exporter=exporter is not None), flush=True)
    with redis_exporter(exporter, settings.ports["redis"], exporter_port):
        status = subprocess.run(prometheus_command(program, config, prometheus_port), check=False).returncode
    if status:
        raise Problem(f"Prometheus ended with status {status}.")


def write_config(
    directory: Path, targets: Mapping[tuple[str, str], int], *, namespace: str, interval: str = "5s"
) -> Path:
    """Write a configuration that scrapes *targets* (job and pod to port) as a cluster's would label them."""
    jobs: dict[str, list[dict[str, object]]] = {}
    for (job, pod), port in targets.items():
        labels = {"namespace": namespace, "pod": pod}
        jobs.setdefault(job, []).append({"targets": [f"127.0.0.1:{port}"], "labels": labels})
    config = {
        "global": {"scrape_interval": interval, "evaluation_interval": interval, "scrape_timeout": interval},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [{"job_name": job, "static_configs": found} for job, found in jobs.items()],
    }
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "prometheus.yml"
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")  # JSON is YAML
    return path


def prometheus_command(program: str, config: Path, port: int) -> list[str]:
    """Return the command that runs *program* with *config*, its data beside it, on a port of this machine only."""
    return [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={config.parent / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]


@contextlib.contextmanager
def redis_exporter(program: str | None, redis_port: int, port: int) -> Iterator[None]:
    """Run the exporter *program*, if there is one, for the Redis of this machine at *redis_port*."""
    if program is None:
        yield
        return
    command = [program, f"--redis.addr=redis://127.0.0.1:{redis_port}", f"--web.listen-address=127.0.0.1:{port}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def _addresses(port: int, *, has_exporter: bool) -> str:
    url = f"http://localhost:{port}"
    lines = [
        f"Connections:  {url}/graph?g0.expr=tandem_connections&g0.tab=0&g0.range_input=15m",
        f"Alerts:       {url}/alerts",
        f"Grafana:      import {DASHBOARD.relative_to(ROOT)}, with {url} as its data source",
    ]
    if not has_exporter:
        lines.append("Redis:        not scraped, no redis_exporter here (Debian: prometheus-redis-exporter)")
    return "\n".join([*lines, "Ctrl-C stops it."])


if __name__ == "__main__":
    sys.exit(main())
