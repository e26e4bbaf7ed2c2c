"""The journal: accepted envelopes on disk until they are digested."""
