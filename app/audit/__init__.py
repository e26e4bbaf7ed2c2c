"""Who did what and who watched what: append-only."""
