"""`autoresearch new`: a target that runs as it is."""
