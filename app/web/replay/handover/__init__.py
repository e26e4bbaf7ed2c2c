"""The place from which a replay is handed on: its range, four ways, and what was handed out."""
