"""What orders notify of."""

from __future__ import annotations

import tandem.inbox


@tandem.inbox.kind("order.shipped")
class OrderShipped:
    """For whoever placed the order."""

    label = "Shipped orders"
    title = "Order {{ target }} is on its way"
    body = "{{ actor }} has shipped it."
    category = "orders"
    severity = "success"
