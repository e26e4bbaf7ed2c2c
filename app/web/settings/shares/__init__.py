"""The share links of a project that are open, to be taken back."""
