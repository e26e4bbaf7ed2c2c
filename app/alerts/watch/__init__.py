"""Rules that look at the time: conditions that begin, hold, and end."""
