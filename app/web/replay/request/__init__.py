"""One request of a replay as a page, and all of them as a file."""
