"""What only a cluster can show: `python3 -m cluster --help`. Standard library, kubectl and helm; no more."""
