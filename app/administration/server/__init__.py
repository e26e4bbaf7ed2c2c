"""Use cases of admins of the server: all people, their rights and sign-ins, the server's health."""
