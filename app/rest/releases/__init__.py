"""Releases: build servers name, finish, deploy and list them."""
