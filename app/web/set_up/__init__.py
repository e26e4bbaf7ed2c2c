"""How an app or a service is pointed at a project."""
