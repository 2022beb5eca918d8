"""The api service: Django under gunicorn. Owns the SQL database, answers HTTP, publishes what changed."""
