"""The trackers of a project, and the templates of its tickets."""
