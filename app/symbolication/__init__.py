"""Turns the stacks of an event into clear ones with the debug files of its project."""
