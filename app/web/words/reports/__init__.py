"""Reports as blocks of text with their files."""
