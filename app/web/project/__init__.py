"""One project and the list of them: keys, outcomes, quarantine, demo."""
