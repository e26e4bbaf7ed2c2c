"""The clips of a replay: asked for, looked at, taken and deleted."""
