"""The command line: flags, and a module per command with what it prints."""
