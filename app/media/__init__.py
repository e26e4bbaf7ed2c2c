"""Encoding and decoding of video; the only package that uses libav."""
