"""Training runs of language models: a candidate trains and answers in sandboxes, bits per byte are computed here."""

from harness.scorers.gpt.serving import serve

__all__ = ["serve"]
