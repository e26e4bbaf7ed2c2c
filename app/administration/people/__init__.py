"""Use cases of accounts: signing in and out, passwords, and what a signed-in person may see."""
