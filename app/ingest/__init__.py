"""From a request to stored rows: accept, journal, digest."""
