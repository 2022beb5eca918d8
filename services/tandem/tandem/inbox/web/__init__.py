"""The inbox over HTTP, and in a page."""
