"""Find things in rendered objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]


def one(objects: list[Object], kind: str, name: str) -> Object:
    """Return the object of *kind* whose name is *name*."""
    found = [it for it in objects if it["kind"] == kind and it["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} of {kind} {name}"
    return found[0]


def of_kind(objects: list[Object], kind: str) -> dict[str, Object]:
    """Return the objects of *kind* by name."""
    return {it["metadata"]["name"]: it for it in objects if it["kind"] == kind}


def component(item: Object) -> str:
    """Return the component that an object belongs to."""
    name: str = item["metadata"]["labels"]["app.kubernetes.io/component"]
    return name


def pod_specs(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Return the pod spec of everything that makes pods, with the component's name."""
    for item in objects:
        if item["kind"] == "Pod":
            yield component(item), item["spec"]
        elif item["kind"] == "CronJob":
            yield component(item), item["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        elif "template" in item.get("spec", {}):
            yield component(item), item["spec"]["template"]["spec"]


def containers(spec: Object) -> list[Object]:
    """Return all containers of a pod, those that run before the others included."""
    return [*spec.get("initContainers", []), *spec["containers"]]


def env(container: Object) -> Object:
    """Return the variables of a container: the value, or where it comes from."""
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in container["env"]}
