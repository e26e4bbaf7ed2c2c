"""A made-up shopping app, recorded and sent like an SDK would."""
