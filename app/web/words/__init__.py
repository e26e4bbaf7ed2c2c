"""Words, numbers, links and rows that several pages show."""
