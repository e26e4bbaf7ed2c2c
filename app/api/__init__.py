"""HTTP for programs: the ingest endpoints, health and metrics."""
