"""The checks of `playhead doctor`, and the result that each of them gives."""
