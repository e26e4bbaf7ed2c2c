"""The pages of one replay: the player with its panels, and the pages below it."""
