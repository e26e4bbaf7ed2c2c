"""The list of replays and what is done to several at once."""
