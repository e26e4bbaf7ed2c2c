"""A replay as one virtual stream of GOPs."""
