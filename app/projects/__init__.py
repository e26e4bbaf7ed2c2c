"""Projects: their public keys, what became of the items sent to them, and their quarantine."""
