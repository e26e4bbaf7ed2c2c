"""A person's own page: password, sign-ins, and the way in."""
