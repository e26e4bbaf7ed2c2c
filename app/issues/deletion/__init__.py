"""Ends issues and events: those that somebody erases, and those that expire."""
