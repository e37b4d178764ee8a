"""The settings, from variables, files and flags, checked as a whole."""
