"""Settings, clock, ids, limits, errors, log and units, on which every other package builds."""
