"""The state of the server, for its admins: what works, what does not, and what is in quarantine."""
