"""Tools that the finders share: patterns, folding of characters, redactions and a cache."""
