"""Side by side in one run: stock Channels, Tandem, and a raw send loop."""
