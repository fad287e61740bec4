"""Proposers that ask a model: one class, `Mind`, with presets for whom it asks. It has no network of its own."""

from bot.proposers.mind.mind import Briefing, Mind, Options
from bot.proposers.mind.presets import PRESETS, make

__all__ = ["PRESETS", "Briefing", "Mind", "Options", "make"]
