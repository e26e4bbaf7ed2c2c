"""Takes debug files that build tools upload in chunks, checks them and puts them together."""
