"""What ``manage.py tandem doctor`` tries: Redis, the address where the sockets are, and one publication on its way."""
