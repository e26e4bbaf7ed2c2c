"""Errors and messages that SDKs report, grouped into issues."""
