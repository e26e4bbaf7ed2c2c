"""Projects, their public keys and DSNs, outcomes, quarantine."""
