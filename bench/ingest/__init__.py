"""Measures what an envelope costs, beside a server that does only what no server can leave out."""
