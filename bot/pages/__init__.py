"""What people read, rendered from folds of events: pure functions from a night to text and pictures."""
