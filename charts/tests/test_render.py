"""The chart renders under Helm 4's engine, for every install case, cluster and version."""

from __future__ import annotations

import functools
from typing import Any

import kubernetes_validate
import pytest
import yaml
from helm_python import lint
from kubernetes_validate import utils
from tools.helm import CAPABILITIES, CHART, NEWEST, OLDEST, render, render_files, value_sets
from tools.looking import Object, containers, pod_specs

from tandem import __version__

CASES = value_sets()
# Not in Kubernetes' own schemas.
# Not in Kubernetes' own schemas.
CUSTOM = {"HTTPRoute", "ScaledObject", "ServiceMonitor", "PodMonitor", "PrometheusRule"}
VERSIONS = [OLDEST, "1.31.0", "1.32.0", "1.33.0", "1.34.0", "1.35.0", "1.36.0", NEWEST]

read_schema = functools.cache(utils.schema_contents)


class UniqueKeys(yaml.CSafeLoader):
    """A loader that refuses a key that comes twice, as server-side apply does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping, or raise `ValueError`."""
        keys = [key.value for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise ValueError(f"a key comes twice: {keys}{node.start_mark}")
        return super().construct_mapping(node, deep)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("capabilities", CAPABILITIES)
def test_renders_everywhere(case: str, capabilities: str, version: str) -> None:
    """Each case renders on the oldest and the newest cluster, with and without operators; no key comes twice."""
    files = render_files(CASES[case], kube_version=version, api_versions=CAPABILITIES[capabilities])

    for path, text in files.items():
        if path.endswith(".yaml"):
            list(yaml.load_all(text, UniqueKeys))


@pytest.fixture(autouse=True)
def _read_schemas_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """kubernetes-validate reads 2 MB of definitions again for every object."""
    monkeypatch.setattr(utils, "schema_contents", read_schema)


@pytest.mark.parametrize("version", VERSIONS)
def test_strict_schemas(version: str) -> None:
    """Every object of every case passes the strict schema of every supported version."""
    rendered = {str(item): item for values in CASES.values() for item in render(values, kube_version=version)}

    for item in rendered.values():
        if item["kind"] not in CUSTOM:
            kubernetes_validate.validate(item, version, strict=True)


def test_refused_before_the_oldest_version() -> None:
    """`preStop.sleep` does not work on 1.29: the chart says so before anything is applied."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert chart["kubeVersion"] == f">={OLDEST}-0"


def test_lint_is_clean(case: str) -> None:
    """`helm lint --strict` finds nothing but the missing icon."""
    report = lint(CHART, CASES[case], strict=True, namespace="demo", kube_version=f"v{NEWEST}")

    assert [m["error"] for m in report["messages"] if "icon is recommended" not in m["error"]] == []


def test_names_are_unique(objects: list[Object]) -> None:
    """No two objects of a kind share a name, no variable of a container comes twice."""
    names = [(item["kind"], item["metadata"]["name"]) for item in objects]
    variables = [
        (container["name"], [item["name"] for item in container.get("env", [])])
        for _, spec in pod_specs(objects)
        for container in containers(spec)
    ]

    assert len(names) == len(set(names))
    assert [name for name, found in variables if len(found) != len(set(found))] == []


def test_an_override_replaces_our_variable() -> None:
    """A variable that the user sets stands in place of ours, also when it is empty or comes from elsewhere."""
    source = {"valueFrom": {"secretKeyRef": {"name": "mine", "key": "k"}}}
    values = {"api": {"env": {"DJANGO_SECRET_KEY": source, "TANDEM_LOG_LEVEL": "", "BIG": 1048576, "ON": True}}}
    rendered = render(values)

    (spec,) = (spec for name, spec in pod_specs(rendered) if name == "api")
    found = [item for item in spec["containers"][0]["env"] if item["name"] in values["api"]["env"]]
    assert sorted(found, key=lambda item: item["name"]) == [
        {"name": "BIG", "value": "1048576"},
        {"name": "DJANGO_SECRET_KEY", **source},
        {"name": "ON", "value": "true"},
        {"name": "TANDEM_LOG_LEVEL", "value": ""},
    ]


def test_trusted_proxies_reach_realtime() -> None:
    """And nobody who has no use for them; so do the limits of an address, zero too, where they are set."""
    limits = {"maxConnectionsPerAddress": 300, "handshakesPerSecondPerAddress": 0}
    rendered = render({"realtime": {"trustedProxies": ["10.0.0.0/8", "fd00::/8"], **limits}})
    found = {
        (name, item["name"], item["value"])
        for name, spec in pod_specs(rendered)
        for container in containers(spec)
        for item in container.get("env", [])
        if item["name"] == "TANDEM_TRUSTED_PROXIES" or item["name"].endswith("_PER_ADDRESS")
    }

    assert found == {
        ("realtime", "TANDEM_TRUSTED_PROXIES", "10.0.0.0/8,fd00::/8"),
        ("realtime", "TANDEM_MAX_CONNECTIONS_PER_ADDRESS", "300"),
        ("realtime", "TANDEM_HANDSHAKES_PER_SECOND_PER_ADDRESS", "0"),
    }


def test_images_are_set_by_one_value_each(objects: list[Object]) -> None:
    """With seven values every image of every pod is another one, and none is ever pulled."""
    values: dict[str, Any] = {"imagePullPolicy": "Never", "load": {"enabled": True}}
    for key in ("api", "realtime", "redis", "postgresql", "edge", "load"):
        values[key] = {"enabled": True, "image": f"local/{key}:test"}
    values["redis"]["exporter"] = {"enabled": True, "image": "local/exporter:test"}
    rendered = [container for _, spec in pod_specs(render(values)) for container in containers(spec)]

    assert {container["imagePullPolicy"] for container in rendered} == {"Never"}
    assert {container["image"] for container in rendered} == {
        f"local/{key}:test" for key in ("api", "realtime", "redis", "postgresql", "edge", "load", "exporter")
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("registry:5000/team/api", f"registry:5000/team/api:{__version__}"),
        ("registry:5000/team/api:2", "registry:5000/team/api:2"),
        ("api@sha256:" + "0" * 64, "api@sha256:" + "0" * 64),
    ],
)
def test_tag_of_our_images(given: str, expected: str) -> None:
    """Our images take the appVersion as their tag, unless one is given, or a digest."""
    (spec,) = (spec for name, spec in pod_specs(render({"api": {"image": given}})) if name == "api")

    assert spec["containers"][0]["image"] == expected
