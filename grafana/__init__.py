"""Dashboards and alerting for Grafana, written by small scripts: `make generate`."""
