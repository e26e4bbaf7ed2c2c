"""Readers of the files that make the frames of an error readable: mappings, bundles, maps."""
