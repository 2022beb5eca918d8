"""Every pod passes the restricted Pod Security Standard, and goes further where that costs nothing."""

from __future__ import annotations

from tools.looking import Object, containers, pod_specs

SECURE = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def test_pods_are_restricted(objects: list[Object]) -> None:
    """No root, no token, the runtime's seccomp profile, nothing of the node's."""
    for name, spec in pod_specs(objects):
        uid = 999 if name == "postgresql" else 10001
        assert spec["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": uid,
            "runAsGroup": uid,
            "fsGroup": uid,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        }, name
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(spec)
        allowed = {"emptyDir", "configMap", "persistentVolumeClaim", "secret"}
        assert all(set(volume) <= allowed | {"name"} for volume in spec.get("volumes", []))


def test_containers_are_restricted(objects: list[Object]) -> None:
    """No privilege to gain, no capability, a root file system that cannot be written, a limit of memory."""
    for name, spec in pod_specs(objects):
        for container in containers(spec):
            assert container["securityContext"] == SECURE, name
            assert container["resources"]["limits"]["memory"], name
            assert container["resources"]["requests"]["cpu"], name
            assert not any("hostPort" in port for port in container.get("ports", []))


def test_what_is_mounted_exists(objects: list[Object]) -> None:
    """Each mount has a volume or a claim template, and each volume a mount."""
    for item in objects:
        if "template" not in item.get("spec", {}):
            continue
        spec = item["spec"]["template"]["spec"]
        volumes = {volume["name"] for volume in spec.get("volumes", [])}
        claims = {claim["metadata"]["name"] for claim in item["spec"].get("volumeClaimTemplates", [])}
        mounts = {mount["name"] for container in containers(spec) for mount in container.get("volumeMounts", [])}
        assert mounts == volumes | claims, item["metadata"]["name"]
        assert not volumes & claims


def test_long_running_containers_have_probes(objects: list[Object]) -> None:
    """Whatever serves is probed; the outbox serves nobody, and what keeps the schema has nothing to ask."""
    for item in objects:
        if item["kind"] in ("Deployment", "StatefulSet"):
            for container in item["spec"]["template"]["spec"]["containers"]:
                expected = {"outbox": {"livenessProbe"}, "keep-schema": set()}
                probes = expected.get(container["name"], {"livenessProbe", "readinessProbe"})
                assert probes <= set(container), container["name"]
