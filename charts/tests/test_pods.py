"""What the values give to pods and objects is merged by key over ours; what must stay is refused."""

from __future__ import annotations

from typing import Any

import pytest
from helm_python import HelmError
from tools.helm import render, value_sets
from tools.looking import Object, component, containers, of_kind, one, pod_specs

COMPONENTS = ("api", "realtime", "outbox", "migrate", "redis", "postgresql", "edge", "load", "test")
PLACED: dict[str, Any] = {
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "own", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "priorityClassName": "high",
    "securityContext": {"supplementalGroups": [7]},
    "volumes": [{"name": "more", "emptyDir": {}}],
    "labels": {"team": "own"},
    "annotations": {"sidecar.istio.io/inject": "false"},
}


def template(item: Object) -> Object:
    """Return the template of the pods of an object, or a pod."""
    found: Object = item if item["kind"] == "Pod" else item["spec"]["template"]
    return found


def pods(objects: list[Object], name: str) -> list[Object]:
    """Return the pod templates of a component."""
    makes = ("Pod", "Deployment", "StatefulSet", "Job")
    return [template(item) for item in objects if item["kind"] in makes and component(item) == name]


@pytest.mark.parametrize("name", COMPONENTS)
def test_fields_are_merged_by_key(name: str) -> None:
    """Each component takes placement, labels, annotations and volumes; what it had stays."""
    load = {"load": {"enabled": True}}
    plain = render(load)
    (before,) = pods(plain, name)
    (after,) = pods(render({**load, name: {**load.get(name, {}), "pod": PLACED}}), name)

    spec = after["spec"]
    assert {key: spec[key] for key in ("tolerations", "affinity", "priorityClassName", "nodeSelector")} == {
        key: PLACED[key] for key in ("tolerations", "affinity", "priorityClassName", "nodeSelector")
    }
    assert spec["securityContext"] == {**before["spec"]["securityContext"], "supplementalGroups": [7]}
    assert spec["containers"] == before["spec"]["containers"]
    assert spec["volumes"] == [*before["spec"].get("volumes", []), *PLACED["volumes"]]
    assert after["metadata"]["labels"]["team"] == "own"
    assert PLACED["annotations"].items() <= after["metadata"]["annotations"].items()
    assert (before["metadata"].get("annotations") or {}).items() <= after["metadata"]["annotations"].items()


def test_every_pod_takes_what_is_given_to_all() -> None:
    """`pod` reaches every pod; a component's own fields win by key; outbox, migrate and workers follow the api."""
    values = {
        "pod": {"nodeSelector": {"zone": "a", "disk": "hdd"}, "priorityClassName": "low"},
        "api": {"pod": {"nodeSelector": {"disk": "ssd"}}},
        "outbox": {"pod": {"priorityClassName": "high"}},
        "workers": [{"name": "celery", "command": ["celery"], "pod": {"priorityClassName": "least"}}],
        "load": {"enabled": True},
    }
    found = {name: (spec["nodeSelector"], spec["priorityClassName"]) for name, spec in pod_specs(render(values))}

    ssd, hdd = {"zone": "a", "disk": "ssd"}, {"zone": "a", "disk": "hdd"}
    assert found == {
        **dict.fromkeys(("realtime", "redis", "postgresql", "edge", "load", "test"), (hdd, "low")),
        **dict.fromkeys(("api", "migrate"), (ssd, "low")),
        "outbox": (ssd, "high"),
        "worker": (ssd, "least"),
    }


def test_selectors_stay_what_they_are() -> None:
    """A label of a pod cannot take the place of those that select it."""
    mine = {"app.kubernetes.io/component": "other", "team": "own"}
    deployment = one(render({"api": {"pod": {"labels": mine}, "labels": mine}}), "Deployment", "tandem-api")
    labels = deployment["spec"]["template"]["metadata"]["labels"]

    assert labels == {**deployment["spec"]["selector"]["matchLabels"], "team": "own"}
    assert deployment["metadata"]["labels"]["app.kubernetes.io/component"] == "api"


@pytest.mark.parametrize("case", value_sets())
def test_every_object_takes_labels_and_annotations(case: str) -> None:
    """`labels` and `annotations` are on every object of every case."""
    values = {**value_sets()[case], "labels": {"team": "own"}, "annotations": {"note": "1"}}
    rendered = render(values)

    assert [item["metadata"]["name"] for item in rendered if item["metadata"]["labels"].get("team") != "own"] == []
    assert [item["metadata"]["name"] for item in rendered if item["metadata"]["annotations"].get("note") != "1"] == []


def test_a_component_has_labels_of_its_own() -> None:
    """`api.labels` are on the objects of the api, and win over those of every object."""
    values = {"labels": {"team": "all"}, "api": {"labels": {"team": "own"}, "annotations": {"reload": "yes"}}}
    rendered = render(values)

    api = one(rendered, "Deployment", "tandem-api")["metadata"]
    assert (api["labels"]["team"], api["annotations"]) == ("own", {"reload": "yes"})
    assert one(rendered, "Deployment", "tandem-realtime")["metadata"]["labels"]["team"] == "all"


def test_extra_objects() -> None:
    """Objects of any kind come along, as objects or as text; what they say of the release is filled in."""
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-b\n"
    thing = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-a"}}

    assert {"tandem-a", "tandem-b"} <= set(of_kind(render({"extraObjects": [thing, text]}), "ConfigMap"))


@pytest.mark.parametrize("name", ["api", "realtime"])
def test_guests_are_as_confined_as_ours(name: str) -> None:
    """A sidecar and an init container of the user get our security context, and keep what they say themselves."""
    own = {"securityContext": {"runAsUser": 5}}
    values = {name: {"sidecars": [{"name": "proxy", "image": "p", **own}], "initContainers": [{"name": "first"}]}}
    (pod,) = pods(render(values), name)
    found = {container["name"]: container for container in containers(pod["spec"])}

    ours = found[name]["securityContext"]
    assert pod["spec"]["initContainers"][0]["name"] == "first"
    assert found["first"]["securityContext"] == ours
    assert found["proxy"] == {"name": "proxy", "image": "p", "securityContext": {**ours, "runAsUser": 5}}


REFUSED = [
    (
        {"api": {"pod": {"containers": []}}},
        "api.pod.containers would replace the containers of the chart: "
        "use initContainers, sidecars, env, volumeMounts and resources of api and realtime.",
    ),
    (
        {"redis": {"pod": {"initContainers": []}}},
        "redis.pod.initContainers would replace the containers of the chart: "
        "use initContainers, sidecars, env, volumeMounts and resources of api and realtime.",
    ),
    ({"edge": {"pod": {"hostNetwork": True}}}, "edge.pod.hostNetwork is the chart's: take it away."),
    (
        {"pod": {"securityContext": {"runAsNonRoot": False}}},
        "pod.securityContext.runAsNonRoot is what the restricted Pod Security Standard asks for, "
        "and stays as it is: take it away.",
    ),
    (
        {"workers": [{"name": "w", "pod": {"securityContext": {"runAsUser": 0}}}]},
        "workers[w].pod.securityContext.runAsUser is root, as whom no pod of this chart runs: set another user.",
    ),
    (
        {"realtime": {"pod": {"terminationGracePeriodSeconds": 5}}},
        "realtime.pod.terminationGracePeriodSeconds follows from how long a pod drains: "
        "set realtime.terminationGracePeriodSeconds or edge.drainSeconds.",
    ),
    (
        {"api": {"volumes": [{"name": "tmp", "emptyDir": {}}]}},
        'api.volumes has a volume "tmp", as the chart itself does: give it another name.',
    ),
    (
        {"workers": [{"name": "w"}, {"name": "w"}]},
        'There are two workers named "w": give one of them another name.',
    ),
]


@pytest.mark.parametrize(("values", "sentence"), REFUSED, ids=[sentence.split()[0] for _, sentence in REFUSED])
def test_what_must_stay_is_refused(values: dict[str, Any], sentence: str) -> None:
    """The render stops with a sentence that names the value."""
    with pytest.raises(HelmError) as caught:
        render(values)

    assert str(caught.value).endswith(sentence)


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"api": {"pod": {"nodeselector": {}}}}, "additional properties 'nodeselector' not allowed"),
        ({"pod": {"tolerations": {}}}, "at '/pod/tolerations': got object, want array"),
        ({"api": {"volumes": [{"emptyDir": {}}]}}, "missing property 'name'"),
        ({"workers": [{"name": "w", "image": "x"}]}, "additional properties 'image' not allowed"),
        ({"outbox": {"livenessProbe": {"http": {}}}}, "additional properties 'http' not allowed"),
    ],
)
def test_what_would_be_ignored_is_refused(values: dict[str, Any], where: str) -> None:
    """The schema names what no template would read."""
    with pytest.raises(HelmError) as caught:
        render(values)

    assert where in str(caught.value)
