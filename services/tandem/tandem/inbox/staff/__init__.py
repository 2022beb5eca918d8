"""The inbox in Django's admin."""
