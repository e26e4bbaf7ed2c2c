"""The traces of a replay on its clock."""
