"""Measures what the calculator reckons with, and whether it is true."""
