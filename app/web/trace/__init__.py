"""The page of a trace, and the page of a span."""
