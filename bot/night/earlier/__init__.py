"""What earlier nights left, as a new one needs it."""
