"""What values of the chart that are parts of Kubernetes objects may hold: definitions of its JSON schema."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def each(names: tuple[str, ...], schema: Schema) -> Schema:
    """Return the same *schema* for each of the names."""
    return {name: dict(schema) for name in names}


TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
WORDS = {"type": "array", "items": {"type": "string"}}
OBJECTS = {"type": "array", "items": {"type": "object"}}
NAMED = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
RESOURCES = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"requests": {"type": "object"}, "limits": {"type": "object"}, "claims": {"type": "array"}},
}
PROBE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **each(("exec", "httpGet", "tcpSocket", "grpc"), {"type": "object"}),
        **each(
            (
                *("initialDelaySeconds", "periodSeconds", "timeoutSeconds"),
                *("successThreshold", "failureThreshold", "terminationGracePeriodSeconds"),
            ),
            {"type": "integer"},
        ),
    },
}
# What guards.yaml refuses with a sentence stands here too: the schema would only say that it is not allowed.
REFUSED = (
    *("containers", "initContainers", "ephemeralContainers", "restartPolicy", "automountServiceAccountToken"),
    *("hostNetwork", "hostPID", "hostIPC"),
)
POD = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "labels": TEXTS,
        "annotations": TEXTS,
        "nodeSelector": TEXTS,
        **each(("affinity", "dnsConfig", "securityContext", "overhead", "resources"), {"type": "object"}),
        **each(
            ("tolerations", "topologySpreadConstraints", "hostAliases", "readinessGates", "resourceClaims"), OBJECTS
        ),
        **each(("volumes", "imagePullSecrets"), {"type": "array", "items": NAMED}),
        **each(
            (
                *("priorityClassName", "preemptionPolicy", "runtimeClassName", "schedulerName", "serviceAccountName"),
                *("nodeName", "dnsPolicy", "hostname", "subdomain"),
            ),
            {"type": "string"},
        ),
        **each(("enableServiceLinks", "hostUsers", "shareProcessNamespace", "setHostnameAsFQDN"), {"type": "boolean"}),
        **each(("terminationGracePeriodSeconds", "activeDeadlineSeconds", "priority"), {"type": "integer"}),
        "schedulingGates": OBJECTS,
        "os": {"type": "object"},
        **each(REFUSED, {}),
    },
}
WORKER = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 30},
        "command": WORDS,
        "args": WORDS,
        "replicas": {"type": "integer", "minimum": 0},
        "env": {"type": "object"},
        **each(("labels", "annotations"), {"$ref": "#/definitions/texts"}),
        **each(("livenessProbe", "readinessProbe"), {"$ref": "#/definitions/probe"}),
        "resources": {"$ref": "#/definitions/resources"},
        "pod": {"$ref": "#/definitions/pod"},
    },
}
DEFINITIONS: dict[str, Any] = {
    "resources": RESOURCES,
    "texts": TEXTS,
    "named": NAMED,
    "mount": {"type": "object", "required": ["name", "mountPath"]},
    "probe": PROBE,
    "pod": POD,
    "worker": WORKER,
}
