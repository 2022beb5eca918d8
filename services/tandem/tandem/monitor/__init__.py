"""The live page in Django's admin: who is connected, to which channels, and what passes there."""
