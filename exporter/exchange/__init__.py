"""What is asked of the exchange, over which wire, and how its answers are read."""
