"""What ``manage.py tandem`` can do: a module for each."""
