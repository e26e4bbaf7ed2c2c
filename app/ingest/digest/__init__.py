"""Turns accepted envelopes into rows and objects."""
