"""Models that propose: what is asked of one, what comes back, and the one process that holds the key."""
