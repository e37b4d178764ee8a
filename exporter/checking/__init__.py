"""Looking whether all is well: the commands `check` and `healthcheck`."""
