"""Stores the members of projects, their roles, and invitations."""
