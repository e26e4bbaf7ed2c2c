"""Small pictures of replays, drawn in the background: the poster of a row, a timeline's strip."""
