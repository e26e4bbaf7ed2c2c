"""Messages that leave the server: what may be worth one, and the outbox with its log."""
