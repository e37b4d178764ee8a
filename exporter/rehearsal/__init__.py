"""The exporter with a simulated exchange: the demonstration, and the drill of your alerting."""
