"""The Centrifuge client protocol, version 2, JSON: what comes in, what goes out. No I/O in this folder."""
