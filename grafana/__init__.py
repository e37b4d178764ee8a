"""Dashboards and alerting for Grafana, written by small scripts: `python -m grafana.generate`."""
