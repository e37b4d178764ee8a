"""The sub-commands: a module each, imported only if it is the one that was given."""
