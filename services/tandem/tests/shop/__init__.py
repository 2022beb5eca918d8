"""Somebody's app whose models broadcast."""
