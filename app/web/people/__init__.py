"""The people of the server, for its admins: the list, an invitation, and the page of each."""
