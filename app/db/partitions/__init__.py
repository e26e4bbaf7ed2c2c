"""The partitions of tables by day and retention class, and the rows in them."""
