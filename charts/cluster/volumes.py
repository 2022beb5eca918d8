"""Volumes for a cluster without a provisioner: folders of its only node, below $CLUSTER_VOLUMES, if that is set."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from .kube import run


def provide(count: int, size: str = "8Gi") -> None:
    """Make *count* PersistentVolumes of *size* that any claim without a class may take."""
    root = os.environ.get("CLUSTER_VOLUMES")
    if not root:
        return
    node = run("kubectl", "get", "nodes", "--output", "jsonpath={.items[0].metadata.name}")
    here = [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]
    for _ in range(count):
        name = f"folder-{secrets.token_hex(4)}"
        path = Path(root) / name
        path.mkdir(parents=True)
        spec = {
            "capacity": {"storage": size},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": str(path)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": here}]}},
        }
        volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}
        run("kubectl", "create", "--filename", "-", text=json.dumps(volume))
