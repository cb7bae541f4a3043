"""Seconds, means and percentiles of durations that are kept as whole milliseconds.

Which durations are taken together is decided by the callers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def seconds(milliseconds: int) -> float:
    return milliseconds / 1000


def mean_seconds(durations: Sequence[int]) -> float | None:
    """Mean in seconds; null of no durations."""
    return sum(durations) / len(durations) / 1000 if durations else None


def percentile_seconds(durations: Sequence[int], share: float) -> float | None:
    """Percentile in seconds, linear between neighbours (`quantile_cont`); null of no durations."""
    if not durations:
        return None
    ordered = sorted(durations)
    position = share * (len(ordered) - 1)
    below, above = ordered[math.floor(position)], ordered[math.ceil(position)]
    return (below + (above - below) * (position - math.floor(position))) / 1000
