"""The list of replays: the language of its query, its conditions and its orders."""
