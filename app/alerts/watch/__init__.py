"""Judges rules about conditions, which begin, hold and end: silence, spikes, full disks."""
