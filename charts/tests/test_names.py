"""What the chart says about the code is so: ports, paths, commands, variables, versions."""

from __future__ import annotations

import importlib.util
import re
import tomllib

import pytest
import yaml
from tools.helm import CHART, render, value_sets
from tools.looking import containers, env, one, pod_specs

from tandem.conf import PREFIX, Settings

SERVICES = CHART.parent.parent / "services"
PORTS = {
    "api": {"web_port": "http", "metrics_port": "metrics"},
    "realtime": {"bind_port": "http", "private_port": "metrics"},
}
# Read by something else than our settings: Kubernetes' own expansion, libraries, the generator of load.
FOREIGN = {
    *("REDIS_PASSWORD", "POSTGRES_PASSWORD", "PROMETHEUS_DISABLE_CREATED_SERIES", "LOADGEN_URL", "LOADGEN_SHARDS"),
    "PORT",  # gunicorn's own
}


PROBES = {"api": "tandem/tandem/probes.py", "realtime": "realtime/tandem_realtime/observing/health.py"}
PACKAGES = {"api": "api/api", "realtime": "realtime/tandem_realtime", "tandem": "tandem/tandem"}


def source(path: str) -> str:
    """Return the text of a file of the services."""
    return (SERVICES / path).read_text()


@pytest.mark.parametrize("service", PORTS)
def test_ports(service: str) -> None:
    """The default ports of the settings are the container's, and the ones that the image exposes."""
    spec = one(render(), "Deployment", f"tandem-{service}")["spec"]["template"]["spec"]
    declared = {port["name"]: port["containerPort"] for port in spec["containers"][0]["ports"]}
    exposed = re.search(r"^EXPOSE (.+)$", source(f"{service}/Dockerfile"), re.MULTILINE)

    for variable, name in PORTS[service].items():
        default = re.search(rf"^ *{variable}: int = (\d+)", source("tandem/tandem/conf.py"), re.MULTILINE)
        assert default
        assert int(default[1]) == declared[name]
    assert exposed
    assert [int(port) for port in exposed[1].split()] == list(declared.values())


@pytest.mark.parametrize("service", PORTS)
def test_probes(service: str) -> None:
    """The probes ask for paths that the service answers."""
    container = one(render(), "Deployment", f"tandem-{service}")["spec"]["template"]["spec"]["containers"][0]
    paths = {container[kind]["httpGet"]["path"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")}

    assert paths == {"/healthz", "/readyz"}
    assert all(f'"{path}"' in source(PROBES[service]) for path in paths)


def test_variables() -> None:
    """Every variable that a pod gets from the chart is read by the code."""
    read = {PREFIX + name.upper() for name in Settings.__struct_fields__}
    for path in ("api/api/settings.py", "tandem/tandem/gunicorn.py"):
        read |= set(re.findall(r'"([A-Z_]+)"', source(path)))
    ours = {
        name
        for values in value_sets().values()
        for _, spec in pod_specs(render(values))
        for container in containers(spec)
        if container["image"].startswith("ghcr.io/tandem-django/")
        for name in env(container if "env" in container else {"env": []})
    }

    assert ours - FOREIGN - read == set()


def test_commands() -> None:
    """The modules and management commands that pods run exist."""
    run = {
        words
        for values in value_sets().values()
        for _, spec in pod_specs(render(values))
        for container in containers(spec)
        for words in re.findall(
            r"python -m (\w+(?:\.\w+)?)(?: (\w+))?", " ".join(container.get("command", [])).replace("'", "")
        )
    }
    modules = {module for module, _ in run}

    assert modules == {"api", "tandem_realtime", "tandem_realtime.smoke", "loadgen"}
    for module in modules:
        assert importlib.util.find_spec(f"{module}.__main__" if "." not in module else module)
    assert {command for module, command in run if module == "api"} == {"migrate", "runworker", "shell", "tandem"}
    assert (SERVICES / PACKAGES["tandem"] / "management/commands/runworker.py").is_file()


def test_versions() -> None:
    """Chart, appVersion, packages and image labels are of one version."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    projects = [tomllib.loads(source(f"{name}/pyproject.toml"))["project"] for name in ("api", "realtime")]
    packages = [project["version"] for project in projects]
    labels = [re.findall(r"^ARG VERSION=(.+)$", source(f"{name}/Dockerfile"), re.MULTILINE)[0] for name in PORTS]

    assert {chart["version"], chart["appVersion"], *packages, *labels} == {chart["version"]}
