"""Nights as pictures."""
