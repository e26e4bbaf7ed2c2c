"""The steps of a recording, derived from what the SDK noted and from where fingers were."""
