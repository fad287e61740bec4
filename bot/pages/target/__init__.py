"""What a page says of one target, each kind of thing in a file of its own."""
