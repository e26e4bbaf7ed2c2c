"""Removal of secrets and personal data before anything is stored."""
