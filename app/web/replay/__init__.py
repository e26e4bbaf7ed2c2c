"""One replay: the player and its panels."""
