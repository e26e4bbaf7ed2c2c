"""How a process runs: its interpreter, its event loop, and work that repeats."""
