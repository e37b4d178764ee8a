"""The flags, and what is made from them: help, completion, manual."""
