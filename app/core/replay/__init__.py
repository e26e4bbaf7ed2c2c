"""Values about replays that several packages share."""
