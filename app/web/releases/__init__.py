"""The releases of a project and their crashes."""
