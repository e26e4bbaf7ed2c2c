"""Use cases of privacy rules: what is removed from the data of a project before it is stored."""
