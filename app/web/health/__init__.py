"""How the server is, for its admins: what works, what does not, and what is in quarantine."""
