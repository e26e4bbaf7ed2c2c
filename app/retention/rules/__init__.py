"""The rules of retention: how people change them, and which replays they keep."""
