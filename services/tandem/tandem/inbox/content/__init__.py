"""What a notification says: its kind, its texts, where it leads, and how its reader sees it."""
