"""
Models that tell of their own changes: what was created, changed or deleted is published once its transaction commits.

A change is noticed (`noticing` for saves and deletions, `touching` for what goes past them, `triggers` in the database)
as no more than which row and who heard of it before. What it came to is read when the transaction is about to commit
(`telling`), so that many saves of one row are one change, and the truth.
"""

from tandem.changes.declaring import broadcasts
from tandem.changes.touching import touch

__all__ = ["broadcasts", "touch"]
