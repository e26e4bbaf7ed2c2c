"""One module a group of pages: each endpoint reads its input, calls a story, renders an answer."""
