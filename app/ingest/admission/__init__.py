"""Says who may send, and how much."""
