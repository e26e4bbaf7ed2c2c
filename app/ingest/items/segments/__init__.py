"""The readers and rows that all item types of replay segments share."""
