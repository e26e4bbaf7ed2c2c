"""The pages of signing in, and of a person's own account."""
