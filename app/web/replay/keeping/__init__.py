"""The pin and the legal holds of a replay."""
