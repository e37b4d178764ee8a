"""One process: server and pollers together, from what is checked before its start to its end."""
