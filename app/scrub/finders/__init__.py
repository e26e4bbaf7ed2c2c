"""Finders: each finds one kind of secret in a folded text.

A finder yields redactions in ascending order that do not overlap.
"""
