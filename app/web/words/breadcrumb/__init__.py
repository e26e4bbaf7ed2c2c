"""Breadcrumbs in words, and as rows."""
