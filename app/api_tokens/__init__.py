"""API tokens: what programs such as build servers prove themselves with."""
