"""What is shipped, read by the tools that will read it: make deploy-test."""
