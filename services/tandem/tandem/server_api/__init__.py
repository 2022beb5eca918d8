"""The server API: what other programs ask of Tandem over HTTP, in the shape that the ``cent`` package speaks."""
