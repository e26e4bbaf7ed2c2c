"""The alerts of a project and of the server: targets, rules, the log of messages."""
