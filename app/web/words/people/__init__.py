"""Words for people: their roles, browsers, sign-ins and one-time links."""
