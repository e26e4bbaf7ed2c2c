"""Objects at rest: one port, drivers for local disk and for S3."""
