"""Settings, clock, ids, limits, errors, log and units: what every other room stands on."""
