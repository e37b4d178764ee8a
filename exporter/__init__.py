"""Prometheus exporter for BitoPro margin accounts."""

__version__ = "0.1.0"
