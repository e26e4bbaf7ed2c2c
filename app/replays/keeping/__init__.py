"""Pins and legal holds of replays, and the checks by keep rules that wait."""
