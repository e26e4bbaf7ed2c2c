"""People, passwords, sign-ins, and members of projects."""
