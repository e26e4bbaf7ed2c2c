"""What happens when a replay has ended: it closes once, and then each registered step runs."""
