"""What is shipped for running the exporter: image, compose, Kubernetes, Helm, systemd."""
