"""The audit log and the log of watched replays: lines are added and never changed."""
