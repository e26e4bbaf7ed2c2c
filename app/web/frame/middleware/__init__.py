"""ASGI middleware around the pages."""
