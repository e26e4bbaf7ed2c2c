"""Stories of the pages of accounts and projects: each module is one use, each function one act."""
