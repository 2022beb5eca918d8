"""Generated files are what their generators write now: chart README, schema, k8s/manifests, the edge's copies."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
import yaml
from tools import docs
from tools.helm import CHART, render
from tools.manifests import MANIFESTS, edge_copies, manifests

ROOT = CHART.parent.parent


@pytest.mark.parametrize("name", ["README.md", "values.schema.json"])
def test_chart_docs(name: str) -> None:
    """`make chart-docs` would change nothing."""
    assert (CHART / name).read_text() == docs.files()[name]


def test_manifests() -> None:
    """`make manifests` would change nothing: no file is missing, left over or edited."""
    found = {str(path.relative_to(MANIFESTS)): path.read_text() for path in MANIFESTS.rglob("*") if path.is_file()}

    assert found == manifests()


@pytest.mark.parametrize("name", ["local.conf", "nginx.conf"])
def test_the_chart_has_the_very_routes(name: str) -> None:
    """The chart's edge reads the file that `make demo` reads."""
    assert (CHART / "files" / name).read_text() == edge_copies()[name]


def test_kustomize_gives_what_helm_gives() -> None:
    """`kubectl kustomize k8s/manifests` prints the objects of `helm install`, less the Secret and the test."""
    built = subprocess.run(["kubectl", "kustomize", MANIFESTS], capture_output=True, text=True, check=True).stdout
    plain = {(item["kind"], item["metadata"]["name"]): item for item in yaml.safe_load_all(built)}
    helm = {
        (item["kind"], item["metadata"]["name"]): item for item in render({"secrets": {"existingSecret": "tandem"}})
    }
    for key in (("Pod", "tandem-test-live"), ("NetworkPolicy", "tandem-test")):
        del helm[key]

    assert set(plain) == set(helm)
    for key, item in plain.items():
        assert item.get("spec") == helm[key].get("spec")
        assert item.get("data") == helm[key].get("data")
        assert "namespace" not in item["metadata"]


def test_no_secret_in_git() -> None:
    """Nothing under k8s is a Secret."""
    kinds = [item["kind"] for path in MANIFESTS.rglob("*.yaml") for item in yaml.safe_load_all(path.read_text())]

    assert "Secret" not in kinds


def test_one_command_makes_the_secret(tmp_path: Path) -> None:
    """create-secret.sh asks kubectl for the keys of the chart's own Secret, each long and random, none in arguments."""
    kubectl = subprocess.run(["which", "kubectl"], capture_output=True, text=True, check=True).stdout.strip()
    stand_in = tmp_path / "kubectl"
    stand_in.write_text(
        f'#!/bin/sh\necho "$@" >"{tmp_path}/arguments"\nexec {kubectl} "$@" --dry-run=client --output=yaml\n'
    )
    stand_in.chmod(0o755)
    command = [ROOT / "k8s/create-secret.sh", "--namespace", "demo"]
    printed = subprocess.run(
        command, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=True
    ).stdout
    secret = yaml.safe_load(printed)
    values = [base64.b64decode(value).decode() for value in secret["data"].values()]

    assert set(secret["data"]) == {
        "api-keys",
        "django-secret-key",
        "postgresql-password",
        "redis-password",
        "token-keys",
    }
    assert all(len(value) == 48 and value.isalnum() for value in values)
    assert (secret["metadata"]["name"], secret["metadata"]["namespace"]) == ("tandem", "demo")
    assert not [value for value in values if value in (tmp_path / "arguments").read_text()]


def test_a_second_apply_changes_nothing() -> None:
    """What the API server would fill in or drop is said as it will be: else each `kubectl apply` sends it again."""
    for item in (it for path in MANIFESTS.rglob("*.yaml") for it in yaml.safe_load_all(path.read_text())):
        spec = item.get("spec", {})
        if item["kind"] == "NetworkPolicy":
            rules = [rule for side in ("ingress", "egress") for rule in spec.get(side, [])]
            assert [] not in (spec.get("ingress"), spec.get("egress")), item["metadata"]["name"]
            assert all(port["protocol"] for rule in rules for port in rule["ports"]), item["metadata"]["name"]
        assert "type" in spec.get("strategy", {"type": "default"}), item["metadata"]["name"]
