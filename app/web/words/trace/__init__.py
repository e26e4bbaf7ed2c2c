"""Traces and their spans as rows of a waterfall."""
