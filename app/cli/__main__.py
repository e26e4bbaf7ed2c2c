"""`python -m app.cli` does what `playhead` does."""

from app.cli import main

main()
