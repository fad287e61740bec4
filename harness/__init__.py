"""The part that judges: no network, no GitHub, no model, no import from `bot`."""

__version__ = "0.1.0"
