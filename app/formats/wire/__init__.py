"""What surrounds the items of a request: keys, encodings, envelopes, limits, addresses."""
