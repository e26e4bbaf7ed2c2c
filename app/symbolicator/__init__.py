"""Reading native debug files in a sandboxed child; the only package that uses `symbolic`."""
