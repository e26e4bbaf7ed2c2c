"""One file for each type of item: from its payload to what is to be stored."""
