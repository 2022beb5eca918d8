"""Stock Channels, by its own tutorial: what the benchmark compares with."""
