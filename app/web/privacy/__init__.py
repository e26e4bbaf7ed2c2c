"""The privacy rules of a project: edited, tried and saved."""
