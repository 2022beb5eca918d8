"""The inbox page: a bell, and a button that makes it ring."""
