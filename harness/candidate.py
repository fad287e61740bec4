from harness.documents import load

__all__ = ["load"]
