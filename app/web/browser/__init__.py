"""What browsers ask for by themselves: the theme, policy reports, robots."""
