"""What admins do with alerts: targets, rules, tests, and the log of messages."""
