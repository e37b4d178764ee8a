"""The page at `/metrics`: its families as rows, their text, and how it becomes bytes."""
