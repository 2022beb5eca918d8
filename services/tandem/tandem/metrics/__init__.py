"""What a Django project's web processes count. Scraped on a port of its own, which `tandem.gunicorn` opens."""

from tandem.metrics.middleware import MetricsMiddleware

__all__ = ["MetricsMiddleware"]
