"""What can be written down of a replay or an issue: reports, repro steps, test flows, tickets."""
