"""The tools that the finders share: patterns, folding of characters, marks and caches."""
