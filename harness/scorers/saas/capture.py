"""How many accounts a share of them is: what capture and tier separation take from the top of a score."""

from __future__ import annotations

from fractions import Fraction

FIFTH = Fraction(1, 5)


def count_at(n: int, share: Fraction = FIFTH) -> int:
    """How many of n accounts a share is: ceil(share * n), exactly, where a float's ceil may be one off."""
    if n < 1 or not 0 < share <= 1:
        raise ValueError(f"a share in (0, 1] of at least one account, not {share} of {n}")
    return -(-n * share.numerator // share.denominator)
