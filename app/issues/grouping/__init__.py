"""Rules that choose the issue of an event: pure functions of the event as sent."""
