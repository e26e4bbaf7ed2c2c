"""Hides taps by the rules of a project, so that nobody can read a PIN off their positions.

rules        what a project wants hidden
names        tells keypads and screens by their names
visits       which screen was shown when, as far as it is known
recording    hides the taps of a replay: touches and breadcrumbs
event        hides the taps of errors, transactions and spans
hierarchy    hides the views of keypads in view hierarchies
"""
