"""Talks to an OpenID Connect provider: what it offers, codes and tokens, and who signed in."""
