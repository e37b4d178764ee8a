"""The faults of the simulated exchange, by subject, and their registry."""
