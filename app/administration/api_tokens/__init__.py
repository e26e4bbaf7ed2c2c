"""API tokens: who makes and revokes them, and what a request with one may do."""
