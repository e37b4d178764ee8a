"""TLS and users of our own port, as `--web.config.file` has them."""
