"""Finds everything that names a person: a user of a recorded app, or their device."""
