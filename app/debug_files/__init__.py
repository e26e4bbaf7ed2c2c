"""Debug files of projects, and the ids and addresses by which events name them."""
