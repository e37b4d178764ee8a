"""What is made from this repository's own files for those who run the exporter."""
