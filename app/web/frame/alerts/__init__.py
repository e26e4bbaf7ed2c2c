"""What a visitor must know about the server, for the banner on every page."""
