"""What follows from balances and prices: distances, stress, rescue."""
