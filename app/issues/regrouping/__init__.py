"""Puts stored events into the issues to which they belong by newer knowledge."""
