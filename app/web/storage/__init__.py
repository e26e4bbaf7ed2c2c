"""The storage of the server, for its admins: what fills it, until when, and the rules for all."""
