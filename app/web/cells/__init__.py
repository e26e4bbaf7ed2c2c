"""The page that lists the cells of an installation."""
