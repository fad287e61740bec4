"""What jobs hand over to each other in plain folders, and what of it is taken."""
