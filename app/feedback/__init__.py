"""What users of the recorded apps wrote about it."""
