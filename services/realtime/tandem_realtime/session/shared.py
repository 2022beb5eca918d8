"""What the sessions of a process share: it lives as long as the process, and is handed to each of them."""

from __future__ import annotations

from typing import Any, Protocol

from tandem.async_shards import AsyncShards
from tandem.namespaces import Namespaces
from tandem.tokens import Verifier
from tandem_realtime.clock import Clock
from tandem_realtime.emulation import Emulation
from tandem_realtime.hub import Hub
from tandem_realtime.options import Options
from tandem_realtime.pausing import Pausing
from tandem_realtime.presence import Presence
from tandem_realtime.revocations import Revocations
from tandem_realtime.session.costly import CostlyReads
from tandem_realtime.sessions import Sessions
from tandem_realtime.surplus import Surplus
from tandem_realtime.wheel import Wheel


class Shared(Protocol):
    """As far as a session needs it, what a `Runtime` is."""

    node: str
    options: Options
    namespaces: Namespaces
    shards: AsyncShards
    clock: Clock
    verifier: Verifier
    wheel: Wheel
    presence: Presence
    sessions: Sessions[Any]
    hub: Hub
    emulation: Emulation
    revocations: Revocations
    pausing: Pausing
    surplus: Surplus
    costly: CostlyReads
