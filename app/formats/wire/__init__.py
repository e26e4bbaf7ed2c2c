"""Readers of everything around the items of a request: keys, encodings, envelopes, addresses."""
