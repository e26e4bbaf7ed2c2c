"""Child processes that read untrusted files inside a sandbox, and the server's side of them."""
