"""Receives debug files that build tools upload in chunks, checks them and assembles them."""
