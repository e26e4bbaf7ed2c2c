"""Further parts of the long lists of a replay, each part a page of its own."""
