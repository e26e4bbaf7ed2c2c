"""Backups of an installation: the database, the objects its rows name, and the journal."""
