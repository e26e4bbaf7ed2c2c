"""The items of a replay: its events, recordings and what a recording amounts to."""
