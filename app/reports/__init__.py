"""Writes texts about a replay or an issue: reports, repro steps, test flows, tickets."""
