"""The part that acts: plans nights, proposes, runs, confirms, renders, opens pull requests."""
