"""Reading of error events, quickly where they are as usual."""
