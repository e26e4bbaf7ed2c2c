"""The pages of the log: of a project for its admins, and of everything for the server's."""
