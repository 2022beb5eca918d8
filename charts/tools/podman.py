"""Build the images with buildah and run rendered Deployments with podman: with a storage of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tools.looking import Object, containers

SECONDS = 900  # a build that has to fetch everything
SERVICES = Path(__file__).resolve().parent.parent.parent / "services"
PROGRAMS = ("buildah", "podman", "runc", "debootstrap")
"""What this module calls."""
CERTIFICATES = "/etc/ssl/certs"  # pip in the build trusts whom this machine trusts

# A machine for tests is seldom one for containers: no systemd to make cgroups, and limits that only go down.
SETTINGS = """
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
"""


class Podman:
    """buildah and podman over one storage folder, which keeps layers for the next run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        storage = f'[storage]\ndriver = "overlay"\nrunroot = "{root}/run"\ngraphroot = "{root}/images"\n'
        (root / "storage.conf").write_text(storage)
        (root / "containers.conf").write_text(SETTINGS)
        self.env = {
            **os.environ,
            "CONTAINERS_STORAGE_CONF": str(root / "storage.conf"),
            "CONTAINERS_CONF": str(root / "containers.conf"),
            "BUILDAH_ISOLATION": "chroot",
        }

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command over this storage and return what it prints; raises `RuntimeError` with its last words."""
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, cwd=SERVICES, timeout=SECONDS)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)[:200]}: exit status {done.returncode}\n{done.stderr[-3000:]}")
        return done.stdout.strip()

    def base_image(self) -> str:
        """Return an image with Python: TANDEM_BASE_IMAGE, or Debian's, made here with debootstrap."""
        if named := os.environ.get("TANDEM_BASE_IMAGE"):
            return named
        name = "localhost/tandem-base:bookworm"
        if not self.run("podman", "images", "--quiet", name):
            tree = self.root / "base"
            shutil.rmtree(tree, ignore_errors=True)
            packages = "--include=python3,python3-venv,ca-certificates"
            self.run("debootstrap", "--variant=minbase", packages, "bookworm", str(tree))
            for leftover in (tree / "var/cache/apt/archives").glob("*.deb"):
                leftover.unlink()
            archive = self.root / "base.tar"
            self.run("tar", "-C", str(tree), "-cf", str(archive), ".")
            self.run("podman", "import", "--change", "ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin", str(archive), name)
            archive.unlink()
            shutil.rmtree(tree)
        return name

    def build(self, service: str) -> str:
        """Build a service's image as the release does, but for the base; return its name."""
        return self.build_from(SERVICES, f"{service}/Dockerfile", f"localhost/tandem-{service}:test")

    def build_from(self, context: Path, dockerfile: str, name: str, *volumes: str) -> str:
        """Build *name* from a file of the folder *context*, with *volumes* (``source:target:ro``) beside; return it."""
        mounts = [f"--volume={volume}" for volume in (f"{CERTIFICATES}:{CERTIFICATES}:ro", *volumes)]
        options = ["--layers", "--format=docker", "--pull=if-missing", f"--build-arg=BASE_IMAGE={self.base_image()}"]
        self.run("buildah", "bud", *options, *mounts, f"--tag={name}", f"--file={context / dockerfile}", str(context))
        return name

    def image(self, name: str) -> dict[str, Any]:
        """Return what podman knows of an image."""
        found: list[dict[str, Any]] = json.loads(self.run("podman", "image", "inspect", name))
        return found[0]

    def play(self, workload: Object, secrets: dict[str, dict[str, str]], scratch: Path) -> Pod:
        """Run the pod of a rendered Deployment or Job on this machine's own network."""
        name = workload["metadata"]["name"]
        manifest = scratch / f"{name}.yaml"
        manifest.write_text(yaml.safe_dump(pod_of(workload, secrets, scratch)))
        self.run("podman", "pod", "rm", "--force", name, check=False)
        self.run("podman", "play", "kube", "--network=host", str(manifest))
        return Pod(self, name, manifest)


def pod_of(workload: Object, secrets: dict[str, dict[str, str]], scratch: Path) -> Object:
    """
    Return the pod of a Deployment or Job, without what only a cluster has.

    Probes and hooks are the kubelet's (the tests ask the same questions); an emptyDir becomes a folder that everybody
    may write to, and a reference to a Secret becomes the text in it, as the kubelet does it.
    """
    spec = json.loads(json.dumps(workload["spec"]["template"]["spec"]))
    for key in ("serviceAccountName", "topologySpreadConstraints", "enableServiceLinks"):
        spec.pop(key, None)
    for container in containers(spec):
        for key in ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "ports", "resources"):
            container.pop(key, None)
        for variable in container.get("env", []):
            if source := variable.pop("valueFrom", None):
                variable["value"] = secrets[source["secretKeyRef"]["name"]][source["secretKeyRef"]["key"]]
    for volume in spec.get("volumes", []):
        if "emptyDir" in volume:
            folder = scratch / workload["metadata"]["name"] / volume["name"]
            folder.mkdir(parents=True)
            folder.chmod(0o777)
            del volume["emptyDir"]
            volume["hostPath"] = {"path": str(folder), "type": "Directory"}
    spec["hostNetwork"] = True
    spec["restartPolicy"] = "Never"  # an exit status is what is looked for
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": workload["metadata"]["name"]}, "spec": spec}


class Pod:
    """A running pod."""

    def __init__(self, podman: Podman, name: str, manifest: Path) -> None:
        self.podman = podman
        self.name = name
        self.manifest = manifest

    def process(self, container: str) -> int:
        """Return the id that the first process of a container has on this machine."""
        return int(self.podman.run("podman", "inspect", "--format", "{{.State.Pid}}", f"{self.name}-{container}"))

    def execute(self, container: str, *command: str) -> str:
        """Run a command in a container and return what it prints."""
        return self.podman.run("podman", "exec", f"{self.name}-{container}", *command)

    def terminate(self, container: str) -> int:
        """Send SIGTERM as the kubelet does, wait, and return the exit status."""
        self.podman.run("podman", "kill", "--signal", "TERM", f"{self.name}-{container}")
        return self.wait(container)

    def wait(self, container: str) -> int:
        """Wait for the end of a container and return its exit status."""
        return int(self.podman.run("timeout", "60", "podman", "wait", f"{self.name}-{container}"))

    def logs(self) -> Iterator[str]:
        """Return what each container of the pod printed, for a failure's message."""
        names = self.podman.run("podman", "ps", "--all", "--filter", f"pod={self.name}", "--format", "{{.Names}}")
        for name in names.split():
            done = subprocess.run(["podman", "logs", name], env=self.podman.env, capture_output=True, text=True)
            yield f"--- {name}\n{done.stdout}{done.stderr}"[-4000:]

    def remove(self) -> None:
        """End what still runs and forget the pod."""
        self.podman.run("podman", "play", "kube", "--down", str(self.manifest), check=False)
