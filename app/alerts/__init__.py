"""Alerts: rules say which events are worth a message, and targets say who gets it."""
