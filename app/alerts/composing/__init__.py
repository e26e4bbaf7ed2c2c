"""Makes messages of findings: their content, addresses, descriptions and subjects."""
