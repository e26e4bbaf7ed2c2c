"""The parts that every page shares: access, answers, forms, guards, rendering, assets, errors."""
