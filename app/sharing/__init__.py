"""Hands replays out to people without an account: by links with an end, and by pictures.

    maker ─► terms ─► token, stored as a hash ─► stranger ─► ShareGrant ─► readers that obey it

The rows and their values are in `replays/sharing`.
"""
