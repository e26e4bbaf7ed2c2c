"""Use cases of projects: their pages, their members, and what admins change."""
