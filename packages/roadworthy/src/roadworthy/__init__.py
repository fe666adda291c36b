"""Proves by experiment whether an HTTP service is ready for production."""

__version__ = "0.1.0"
