"""One file for each item type: from its payload to the rows that are stored.

The steps have the same names in every file: `decode_<type>` and `scrub_<type>` return JSON without
secrets, `read_<type>` reads it, and `<type>_row` or `<type>_rows` make rows. Code that several
types share, and the quicker second reader that some types have, is in a folder beside them.
"""
