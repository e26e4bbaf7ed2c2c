"""Deletes data by rule: plans what goes, moves out what stays, and drops or deletes the rest."""
