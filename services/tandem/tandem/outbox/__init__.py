"""
Publish what a transaction commits: never what was rolled back, never twice, and not lost when the process dies.

A row is written in the transaction (`batch`), sent right after the commit (`committed`), and deleted when Redis has it.
What is left over (the process died, Redis was away) the worker sends (`sweep`, `worker`). A channel's rows go in their
order; one that is itself at fault is set aside (`aside`), and nothing else waits for it.
"""

from tandem.outbox.batch import apublish_on_commit, publish_on_commit
from tandem.outbox.sweep import count_rows, send_left_over

__all__ = ["apublish_on_commit", "count_rows", "publish_on_commit", "send_left_over"]
