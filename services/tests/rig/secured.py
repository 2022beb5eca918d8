"""What a Redis is started with so that it speaks TLS, by a CA of its own, and knows a user of a prefix and no other."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rig.redis_program import need_tls
from rig.servers import find_program

PREFIX = "shop"
RULES = f"~{PREFIX}* resetchannels &{PREFIX}* +@all -@dangerous +info +config|get"
OWN = "rig:of-the-rig@"
"""Who the rig itself is there."""


class Secured(NamedTuple):
    """Options of every server, settings (of ``TANDEM``) of who uses them but for the address, and the end of that."""

    options: tuple[str, ...]
    settings: Mapping[str, str]
    query: str


def secure(directory: Path) -> Secured:
    """Write certificate, password and users to *directory*. Its servers want a certificate of their clients, too."""
    need_tls()
    key, certificate = make_certificate(directory, "DNS:localhost,IP:127.0.0.1")
    password, users = directory / "password", directory / "users.acl"
    password.write_text("secret\n")
    name, own_password = OWN.rstrip("@").split(":")
    lines = ["default off", f"{PREFIX} on >secret {RULES}", f"{name} on >{own_password} ~* &* +@all"]
    users.write_text("".join(f"user {line}\n" for line in lines))
    files = ("--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-ca-cert-file", str(certificate))
    return Secured(
        (*files, "--aclfile", str(users)),
        {"redis_prefix": PREFIX, "redis_user": PREFIX, "redis_password_file": str(password)},
        f"?ssl_ca_certs={certificate}&ssl_certfile={certificate}&ssl_keyfile={key}",
    )


def make_certificate(directory: Path, names: str = "DNS:localhost") -> tuple[Path, Path]:
    """Write key and certificate for *names*, which is its own CA."""
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    command = f"{find_program('openssl')} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    subject = ["-subj", "/CN=localhost", "-addext", f"subjectAltName={names}"]
    output = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *subject, *output], check=True, capture_output=True)
    return key, certificate
