"""When each account is polled, what is asked in between, and what comes after a failure."""
