"""From ``notify`` to the rows and the pushes: to few at once, to many in batches, to everyone; and changes to it."""
