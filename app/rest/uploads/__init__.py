"""Uploads of debug files and bundles in chunks, as sentry-cli and build plugins do them."""
