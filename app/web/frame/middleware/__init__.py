"""ASGI middleware around the pages, and what it watches."""
