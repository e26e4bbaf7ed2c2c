"""Words for what is removed, erased or deleted by rule."""
