"""What turns the chart into other files: its README and schema, and the plain manifests."""
