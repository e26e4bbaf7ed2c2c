"""Share links of replays: what strangers may see by them, for how long, and how often they did."""
