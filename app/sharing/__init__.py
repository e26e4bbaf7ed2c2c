"""Hands out replays to people without an account: by links that expire, and by pictures.

    maker ─► terms ─► token, stored as a hash ─► stranger ─► ShareGrant ─► readers that obey it

The rows and their values are in `replays/sharing`.
"""
