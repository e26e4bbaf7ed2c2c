"""People with an account: passwords, sign-ins, sign-in links, and the limits on guessing."""
