"""What a user finds in his inbox, and what he marks there."""
