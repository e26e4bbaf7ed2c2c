"""Skeletons of automated tests, made of the steps of a recording."""
