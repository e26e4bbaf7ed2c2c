"""The quick reader of transactions, and the blocks in which spans are stored."""
