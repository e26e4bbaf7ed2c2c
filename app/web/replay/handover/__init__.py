"""The page Share: the range of a replay, four ways to share it, and what was shared so far."""
