"""Helm 4's own engine, without a cluster and without the helm program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from helm_python import Chart, _native

CHARTS = Path(__file__).resolve().parent.parent
CHART = CHARTS / "tandem"
OLDEST, NEWEST = "1.30.0", "1.37.0"

# What a cluster may offer beside Kubernetes itself.
CAPABILITIES = {
    "bare": [],
    "operators": [
        "monitoring.coreos.com/v1",
        "gateway.networking.k8s.io/v1",
        "keda.sh/v1alpha1",
    ],
}


def render_files(
    values: dict[str, Any] | None = None,
    *,
    kube_version: str = NEWEST,
    api_versions: tuple[str, ...] | list[str] = (),
    revision: int = 1,
    chart: Path = CHART,
    name: str = "tandem",
    namespace: str = "demo",
) -> dict[str, str]:
    """
    Return the text that each template renders to, by its path inside the chart.

    Raises `helm_python.HelmError` with Helm's own message. (`Chart.render` takes no versions: hence the native call.)
    """
    options = {
        "name": name,
        "namespace": namespace,
        "revision": revision,
        "is_upgrade": revision > 1,
        "kube_version": f"v{kube_version}",
        "api_versions": list(api_versions),
    }
    with Chart.load(chart) as loaded:
        loaded.validate_schema(values)
        rendered = _native.call_string("helm_render", loaded._raw(), json.dumps(values or {}), json.dumps(options))
    files: dict[str, str] = json.loads(rendered)
    return {path.removeprefix("tandem/"): text for path, text in sorted(files.items())}


def render(values: dict[str, Any] | None = None, **options: Any) -> list[dict[str, Any]]:
    """Return the objects that the chart renders to."""
    files = render_files(values, **options)
    return [
        document
        for path, text in files.items()
        if path.endswith(".yaml")
        for document in yaml.safe_load_all(text)
        if document
    ]


def value_sets() -> dict[str, dict[str, Any]]:
    """Return the values of each install case, by name."""
    paths = sorted((CHART / "ci").glob("*-values.yaml"))
    return {path.name.removesuffix("-values.yaml"): yaml.safe_load(path.read_text()) or {} for path in paths}
