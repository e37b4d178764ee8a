"""What runs beside the exporter; the alert rules are written from deploy/alerts."""
