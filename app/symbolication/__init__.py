"""Makes the stacks of events readable with the debug files of their project."""
