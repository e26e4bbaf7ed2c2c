"""Readers of the data that SDKs send: pure functions from bytes to typed values, without I/O."""
