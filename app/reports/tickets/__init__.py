"""Tickets in trackers: prefilled addresses by a project's templates, and tickets that are kept."""
