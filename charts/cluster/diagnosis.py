"""
What is wrong in a namespace, in a sentence: `python3 -m cluster.diagnosis NAMESPACE`. Behind `make cluster-report`.

Causes come before what follows from them: an object that cannot be made or started, before a pod that waits for it.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .kube import Object, Refused, run

OWNERS = ("ReplicaSet", "StatefulSet", "Job", "Deployment", "CronJob")
LOG_LINE = re.compile(r"error|refus|denied|wrong|fail|invalid|waiting|cannot|could not|WARN|CRIT", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Fault:
    """One failing object; a lower *rank* is nearer to the cause."""

    rank: int
    object: str
    sentence: str


def main() -> int:
    """Print the faults, the likeliest cause first; return how many kinds of trouble there are (0: none)."""
    namespace = sys.argv[1] if len(sys.argv) > 1 else "tandem"
    found = faults(namespace)
    if not found:
        print(f"Nothing is wrong with the objects in {namespace}.")
    for fault in found:
        print(f"{fault.object} {fault.sentence}")
    return 0


def faults(namespace: str) -> list[Fault]:
    """Return what is wrong in *namespace*, sorted."""
    events = listed(namespace, "events")
    found: list[Fault] = []
    for claim in listed(namespace, "persistentvolumeclaims"):
        if claim["status"].get("phase") == "Pending":
            found.append(fault(1, claim, "is not bound: its pod waits for a volume.", events))
    for kind in ("replicasets", "statefulsets", "jobs"):
        for owner in listed(namespace, kind):
            event = last_event(owner, events, "FailedCreate")
            if event and not satisfied(owner):
                found.append(Fault(0, title(owner), f"cannot make its pods. {told(event)}"))
    for pod in listed(namespace, "pods"):
        if not pod["metadata"].get("deletionTimestamp"):
            found += of_pod(namespace, pod, events)
    return sorted(set(found))


def satisfied(owner: Object) -> bool:
    """Tell whether a workload has the pods that it wants by now."""
    if owner["kind"] == "Job":
        return bool(owner["status"].get("succeeded") or owner["status"].get("active"))
    return int(owner["status"].get("replicas", 0)) >= int(owner["spec"].get("replicas", 1))


def of_pod(namespace: str, pod: Object, events: list[Object]) -> Iterator[Fault]:
    """Return what is wrong with a pod."""
    status = pod["status"]
    if status["phase"] in ("Succeeded", "Failed"):
        if status["phase"] == "Failed":
            yield fault(4, pod, f"failed{logged(namespace, pod)}.", events)
        return
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield fault(2, pod, f"finds no node: {condition.get('message', '')}", events)
            return
    for each in (*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])):
        waiting = each["state"].get("waiting", {})
        reason, message = waiting.get("reason", ""), waiting.get("message", "")
        if reason in ("PodInitializing", "ContainerCreating", ""):
            continue
        last = each.get("lastState", {}).get("terminated", {})
        why = f" (it ended with {last['exitCode']}, {last.get('reason', '')})" if last else ""
        said = logged(namespace, pod, each["name"]) if last else f": {first_line(message)}" if message else ""
        yield fault(
            0 if not last else 3, pod, f"does not start: container {each['name']}, {reason}{why}{said}.", events
        )
        return
    for each in status.get("initContainerStatuses", []):
        if each["state"].get("running"):
            yield fault(6, pod, f"waits in {each['name']}{logged(namespace, pod, each['name'])}.", events)
            return
    unready = [each["name"] for each in status.get("containerStatuses", []) if not each["ready"]]
    if unready and status["phase"] == "Running":
        yield fault(5, pod, f"is not ready: container {unready[0]}{logged(namespace, pod, unready[0])}.", events)
    elif status["phase"] == "Pending" and any(
        event for event in events if is_of(event, pod) and event["type"] == "Warning"
    ):
        yield fault(1, pod, "does not start.", events)


def fault(rank: int, item: Object, sentence: str, events: list[Object]) -> Fault:
    """Return a fault whose sentence ends with the object's last event."""
    event = last_event(item, events)
    return Fault(rank, title(item), f"{sentence} {told(event)}".strip())


def title(item: Object) -> str:
    """Return kind and name."""
    return f"{item['kind']} {item['metadata']['name']}"


def told(event: Object | None) -> str:
    """Return an event in words."""
    if event is None:
        return "It has no event."
    return f"Last event ({age(event)}): {event['reason']}: {first_line(event.get('message', ''))}"


def first_line(text: str) -> str:
    """Return the first line of a text, not too much of it."""
    return text.strip().partition("\n")[0][:400]


def last_event(item: Object, events: list[Object], reason: str = "") -> Object | None:
    """Return the last event about an object; a warning before what is normal."""
    mine = [event for event in events if is_of(event, item) and reason in ("", event["reason"])]
    warnings = [event for event in mine if event["type"] == "Warning"]
    return max(warnings or mine, key=moment, default=None)


def is_of(event: Object, item: Object) -> bool:
    """Tell whether an event is about an object."""
    about = event["involvedObject"]
    return (about.get("kind"), about.get("name")) == (item["kind"], item["metadata"]["name"])


def moment(event: Object) -> str:
    """Return when an event happened last."""
    series = event.get("series") or {}
    times = (
        series.get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event["metadata"]["creationTimestamp"],
    )
    return next(str(time) for time in times if time)


def age(event: Object) -> str:
    """Return how long ago an event was."""
    happened = datetime.fromisoformat(moment(event).replace("Z", "+00:00"))
    return f"{max(0, time.time() - happened.timestamp()):.0f} s ago"


def logged(namespace: str, pod: Object, container: str = "") -> str:
    """Return what a container said last that sounds like a reason."""
    which = ["--container", container] if container else ["--all-containers"]
    for previous in ([], ["--previous"]):
        try:
            text = run(
                "kubectl", "--namespace", namespace, "logs", pod["metadata"]["name"], *which, "--tail=60", *previous
            )
        except Refused:
            continue
        lines = [line for line in text.splitlines() if line.strip()]
        telling = [line for line in lines if LOG_LINE.search(line)]
        if telling or (lines and previous):
            return f", which says: {message_of((telling or lines)[-1])}"
    return ""


def message_of(line: str) -> str:
    """Return a log line's words: of JSON, the message and what goes with it."""
    try:
        entry: dict[str, Any] = json.loads(line)
        words = [
            str(value)
            for key, value in entry.items()
            if key in ("message", "event", "reason", "error", "detail", "wrong")
        ]
    except (ValueError, AttributeError):
        return first_line(line)
    return first_line(": ".join(words) or line)


def listed(namespace: str, kind: str) -> list[Object]:
    """Return the objects of a kind."""
    found = json.loads(run("kubectl", "--namespace", namespace, "get", kind, "--output", "json"))["items"]
    return [dict(item) for item in found]


if __name__ == "__main__":
    sys.exit(main())
