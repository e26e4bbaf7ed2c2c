"""Readers of what SDKs send: pure functions from bytes to typed values, no I/O."""
