"""The form in which bundles and maps are kept for look-ups: few blocks are read for one event."""
