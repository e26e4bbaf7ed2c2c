"""Accepts envelopes: from a request to a synced entry of the journal."""
