"""A made-up shopping app, whose use is recorded and sent as an SDK would."""
