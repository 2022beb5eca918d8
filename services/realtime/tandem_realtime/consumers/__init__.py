"""Channels consumers, one instance per connection: each ties a transport to a session."""
