"""By email and other media: written with the notification, sent by the worker when it is due."""
