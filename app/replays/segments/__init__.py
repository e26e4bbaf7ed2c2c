"""The segments of replays: statements that add them, queries, and steps of the clock."""
