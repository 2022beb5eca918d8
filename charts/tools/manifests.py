"""Write k8s/manifests from the chart, and the chart's copies of the edge's files: ``python -m tools.manifests``."""

from __future__ import annotations

import re

import yaml

from tools.helm import CHART, CHARTS, render_files

INGRESS = CHARTS.parent / "ingress"
MANIFESTS = CHARTS.parent / "k8s" / "manifests"
# No Secret in git: create-secret.sh makes one under the name that the chart's own would have.
VALUES = {"secrets": {"existingSecret": "tandem"}}
HELMS = re.compile(r"^ +(helm\.sh/chart|app\.kubernetes\.io/managed-by): .*\n", re.MULTILINE)

KUSTOMIZATION = """\
# Rendered from charts/tandem by `make manifests`; never edited. The same as `helm install tandem charts/tandem`:
#   k8s/create-secret.sh             makes the Secret, once
#   kubectl apply -k k8s/manifests
#   kubectl port-forward service/tandem-edge 9000:80
# Other images, names, namespaces: an overlay that has this folder as a resource (images:, namespace: ...).
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
"""


def edge_copies() -> dict[str, str]:
    """Return the text of the files that the chart copies: it cannot read outside its own folder."""
    return {name: (INGRESS / name).read_text() for name in ("local.conf", "nginx.conf")}


def manifests() -> dict[str, str]:
    """Return the text of each file of k8s/manifests by its path: one object a file, in the chart's folders."""
    files: dict[str, str] = {}
    for path, text in render_files(VALUES).items():
        if path.endswith(".yaml") and not path.startswith("templates/tests/") and yaml.safe_load(text):
            files[path.removeprefix("templates/")] = HELMS.sub("", text).strip() + "\n"
    files["kustomization.yaml"] = KUSTOMIZATION + "".join(f"  - {path}\n" for path in sorted(files))
    return files


def write() -> None:
    """Write every file, and remove those that the chart no longer renders."""
    for name, text in edge_copies().items():
        (CHART / "files" / name).write_text(text)
    wanted = manifests()
    for old in MANIFESTS.rglob("*.yaml"):
        if str(old.relative_to(MANIFESTS)) not in wanted:
            old.unlink()
    for path, text in wanted.items():
        target = MANIFESTS / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


if __name__ == "__main__":
    write()
