"""Events in Sentry's shape, with their clear stacks."""
