"""Alerts: rules say what is worth a message, targets to whom it goes."""
