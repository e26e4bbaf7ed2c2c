"""Converts uploaded files to the forms that look-ups read, one module for each kind."""
