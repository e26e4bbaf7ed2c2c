"""Who belongs to which project, in which role, and who is invited to one."""
