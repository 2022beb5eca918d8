"""
Contracts: what is published to which channels, as types of Python, from which TypeScript's are made.

`declaring` keeps them, `typescript` writes them; ``manage.py tandem types`` puts it into a file of the pages' sources.
"""

from tandem.contracts.declaring import contract

__all__ = ["contract"]
