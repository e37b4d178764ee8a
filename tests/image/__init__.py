"""The image, built and run for real. Takes minutes, and is run by name: make image-test."""
