"""The interval of a share, found by what defines it: no formula of the product is used.

The limits of Wilson are the shares p whose distance from k / n is z standard errors of p itself.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

_Z = NormalDist().inv_cdf(0.975)


def limits(name: str, k: int, n: int) -> dict[str, float | None]:
    """`<name>_low` and `<name>_high` of the share k of n; null without observations."""
    low = high = None
    if n:
        low = 0.0 if k == 0 else _nearest(k / n, 0.0, n)
        high = 1.0 if k == n else _nearest(k / n, 1.0, n)
    return {f"{name}_low": low, f"{name}_high": high}


def _nearest(share: float, end: float, n: int) -> float:
    """The p between the share and an end at which the distance is z standard errors."""
    inside, outside = share, end
    for _ in range(80):
        p = (inside + outside) / 2
        if abs(share - p) <= _Z * sqrt(p * (1 - p) / n):
            inside = p
        else:
            outside = p
    return inside
