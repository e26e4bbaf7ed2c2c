"""The items of a replay: its events, its recordings and their summaries."""
