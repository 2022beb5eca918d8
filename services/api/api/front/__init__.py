"""The front page: everything in one screen, alive, and the lines that make it."""
