"""One trace as a waterfall."""
