"""The exchange's API: what is asked, over which connection, and how its answers are read."""
