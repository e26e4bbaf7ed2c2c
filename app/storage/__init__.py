"""Objects at rest: one port, a driver for local disk."""
