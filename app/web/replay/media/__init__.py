"""The bytes that the player and the pictures of a replay are made of."""
