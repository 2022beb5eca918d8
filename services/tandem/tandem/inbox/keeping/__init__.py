"""How long anything is kept: what is taken out, deleted, or handed to whom it is about."""
