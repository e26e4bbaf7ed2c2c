"""Object storage: one interface, with drivers for local disk and for S3."""
