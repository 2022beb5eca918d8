"""By which media a notification comes to whom, and what a user says about that."""
