"""Reads what the recordings of a replay hold: breadcrumbs, requests, gestures, gaps, conditions."""
