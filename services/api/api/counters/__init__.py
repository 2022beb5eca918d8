"""Counters: the example of something that changes while people look at it."""
