"""Video bytes encoded and decoded; the only room that knows libav."""
