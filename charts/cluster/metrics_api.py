"""
A small stub of a metrics adapter, run in a pod: custom.metrics.k8s.io, whose answers come from each pod's own /metrics.

In a cluster of yours it is KEDA or an adapter for Prometheus that answers; the question is the same.
"""

from __future__ import annotations

import json
import ssl
import time
import urllib.parse
import urllib.request
from datetime import UTC
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
VERSION = "custom.metrics.k8s.io/v1beta2"
METRIC = "tandem_connections"


def pods(namespace: str, selector: str) -> list[dict[str, Any]]:
    """Ask the API server for the pods that *selector* selects."""
    with open(f"{ACCOUNT}/token") as file:
        headers = {"Authorization": f"Bearer {file.read()}"}
    query = urllib.parse.urlencode({"labelSelector": selector})
    url = f"https://kubernetes.default.svc/api/v1/namespaces/{namespace}/pods?{query}"
    context = ssl._create_unverified_context()  # a stub: it believes what it is told
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), context=context, timeout=5) as response:
        items: list[dict[str, Any]] = json.load(response)["items"]
    return items


def connections(address: str) -> int:
    """Return the sum of the gauge in a pod."""
    with urllib.request.urlopen(f"http://{address}:8101/metrics", timeout=3) as response:
        lines = response.read().decode().splitlines()
    return int(sum(float(line.split()[-1]) for line in lines if line.startswith((METRIC + " ", METRIC + "{"))))


def values(namespace: str, selector: str) -> list[dict[str, Any]]:
    """Return a value for each pod that has begun."""
    found = []
    for pod in pods(namespace, selector):
        address = pod["status"].get("podIP")
        if not address or pod["metadata"].get("deletionTimestamp"):
            continue
        try:
            value = connections(address)
        except OSError:
            continue
        described = {"kind": "Pod", "namespace": namespace, "name": pod["metadata"]["name"], "apiVersion": "/v1"}
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        found.append({"describedObject": described, "metric": {"name": METRIC}, "timestamp": now, "value": str(value)})
    return found


class Answers(BaseHTTPRequestHandler):
    """Discovery, and the one question."""

    def do_GET(self) -> None:
        """Answer."""
        url = urllib.parse.urlsplit(self.path)
        parts = urllib.parse.unquote(url.path).strip("/").split("/")
        if len(parts) == 8 and parts[-1] == METRIC:
            selector = urllib.parse.parse_qs(url.query).get("labelSelector", [""])[0]
            answer = {
                "kind": "MetricValueList",
                "apiVersion": VERSION,
                "metadata": {},
                "items": values(parts[4], selector),
            }
        else:
            one = {
                "name": f"pods/{METRIC}",
                "singularName": "",
                "namespaced": True,
                "kind": "MetricValueList",
                "verbs": ["get"],
            }
            answer = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": VERSION, "resources": [one]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def main() -> None:
    """Serve, under a certificate that is made here."""
    make_certificate()
    server = ThreadingHTTPServer(("", 6443), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("/tmp/tls.crt", "/tmp/tls.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


def make_certificate() -> None:
    """Make a key and a certificate with what the image has."""
    from datetime import datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "metrics-api")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for path, data in (("/tmp/tls.crt", made.public_bytes(pem)), ("/tmp/tls.key", private)):
        with open(path, "wb") as file:
            file.write(data)


if __name__ == "__main__":
    main()
