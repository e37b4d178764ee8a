"""The page at `/metrics`: its families, and how it becomes bytes."""
