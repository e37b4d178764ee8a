"""Our own port: sockets, HTTP, limits, pages."""
