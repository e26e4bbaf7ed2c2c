"""Turns the values of pages into HTML, with the scripts and styles that they need."""
