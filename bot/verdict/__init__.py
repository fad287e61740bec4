"""The check run on every pull request: what merging it means for the numbers, told by the names of what it changes."""
