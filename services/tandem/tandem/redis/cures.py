"""What to change, for each way in which a Redis turns us away. No I/O here."""

from __future__ import annotations

from tandem.redis.run import CLUSTER, NO_CLUSTER, OLDEST, OLDEST_CLUSTER

RIGHTS = "the rights that docs/reference.md of django-tandem lists under Redis"

_CERTIFICATE = "a certificate of ours: rediss://...?ssl_certfile=/path/tls.crt&ssl_keyfile=/path/tls.key"
_SILENCE = ("Timeout connecting to server", "no answer for", "no connection within")
_CUT = ("Connection reset by peer", "Broken pipe", "EOF occurred in violation of protocol")
_CURES = (
    (
        (
            "WRONGPASS",
            "invalid username-password",
            "invalid password",
            "NOAUTH",
            "Authentication required",
            "HELLO must be",
        ),
        "put user and password into the address, or set TANDEM_REDIS_USER and TANDEM_REDIS_PASSWORD",
    ),
    (("NOPERM", "no permissions", "has no permission"), f"grant its user {RIGHTS}"),
    (
        ("self-signed certificate", "self signed certificate", "unable to get local issuer"),
        "name the CA that signed its certificate: rediss://...?ssl_ca_certs=/path/ca.crt",
    ),
    (
        ("Hostname mismatch", "IP address mismatch"),
        "use the name that its certificate has, or issue one for this name",
    ),
    (
        ("certificate required",),
        f"it wants {_CERTIFICATE}",
    ),
    (
        ("WRONG_VERSION_NUMBER", "wrong version number", "record layer failure", "RECORD_LAYER"),
        "if it does not speak TLS at that port, write redis://, not rediss://, or use its TLS port",
    ),
    (
        ("no such master", "No master found"),
        "name the master as the Sentinels do, in redis+sentinel://host:26379/master",
    ),
    (("it is a replica",), "give the address of the master, or of its Sentinels: redis+sentinel://host:26379/master"),
    (
        ("without sharded pub/sub",),
        f"run a cluster of Redis {OLDEST_CLUSTER[0]}.{OLDEST_CLUSTER[1]} or newer, or Valkey",
    ),
    (("its version is",), f"run Redis {OLDEST[0]}.{OLDEST[1]} or newer, or Valkey"),
    (
        (CLUSTER,),
        "say so in the address: redis+cluster://host:6379",
    ),
    (
        (NO_CLUSTER, "cluster support disabled"),
        "write redis://host:6379 for one Redis, and several such addresses for several shards",
    ),
    (
        ("no master for",),
        "bring back the node that had these slots, or have the cluster give them to another",
    ),
    (
        ("where the cluster says",),
        "if that node runs, have the cluster announce its nodes as they are reached from here: cluster-announce-ip, or "
        "cluster-announce-hostname with cluster-preferred-endpoint-type hostname",
    ),
    (("invalid DB index", "DB index is out of range"), "use a database number that it has"),
)


def cure_of(text: str, *, is_tls: bool = False) -> str:
    """Return what to do about the error *text*, over TLS or not; nothing where it says all that there is to say."""
    if is_tls and any(sign in text for sign in _SILENCE):
        text = "WRONG_VERSION_NUMBER"  # whoever expects a command waits for the end of the line
    if is_tls and any(sign in text for sign in _CUT):  # which may overtake the alert that says why
        return f"if it has never answered, it may want {_CERTIFICATE}"
    return next((cure for signs, cure in _CURES if any(sign in text for sign in signs)), "")


def with_cure(text: str, *, is_tls: bool = False) -> str:
    """Return *text* with what to do about it."""
    cure = cure_of(text, is_tls=is_tls)
    return f"{text}: {cure}" if cure and cure not in text else text
