"""Share links of a replay: making them, taking them back, and the pages that strangers see."""
