"""Reference for what is asked of a funnel on the spot: by value, by day of entry, one by one, in
comparison. Paths are those of `funnels.py`.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from .funnels import Path, step_names, step_rows
from .intervals import limits
from .versions import Row

HOUR, DAY = 3600, 86400
ENDS = [
    *(hours * HOUR for hours in (1, 4, 12)),
    *(days * DAY for days in (1, 2, 3, 5, 7, 14, 21, 30, 60, 90, 180, 365)),
]
ValueOf = Callable[[str], str | None]


def by_value(
    found: Sequence[Path], definition: dict[str, Any], mode: str, as_of: int, value_of: ValueOf
) -> list[Row]:
    """The step rows of each value that any process has that entered."""
    rows: list[Row] = []
    for value in {value_of(path.process_id) for path in found}:
        mine = [path for path in found if value_of(path.process_id) == value]
        rows += [row | {"value": value} for row in step_rows(mine, definition, mode, as_of)]
    return rows


def one_by_one(
    found: Sequence[Path], definition: dict[str, Any], mode: str, value_of: ValueOf
) -> list[Row]:
    """One row per process: the last step, and why it got no further."""
    names = step_names(definition, mode)
    return [
        {
            "process_id": path.process_id,
            "mode": mode,
            "step_no": max(path.reached),
            "step": names[max(path.reached) - 1],
            "entered_at": path.entered_at,
            "reached_at": max(path.reached.values()),
            "seconds_from_first": (max(path.reached.values()) - path.entered_at) / 1000,
            "stop_reason": path.stop_reason,
            "value": value_of(path.process_id),
            "attempt_no": path.attempt_no,
        }
        for path in found
    ]


def times_to_convert(found: Sequence[Path], n_steps: int) -> list[Row]:
    """How many finished within each bucket; an end belongs to the bucket before it."""
    lengths = [
        Fraction(path.reached[n_steps] - path.entered_at, 1000)
        for path in found
        if n_steps in path.reached
    ]
    edges = [-1, *ENDS, None]
    rows: list[Row] = []
    for number, (low, high) in enumerate(itertools.pairwise(edges), start=1):
        inside = [x for x in lengths if x > low and (high is None or x <= high)]
        so_far = [x for x in lengths if high is None or x <= high]
        rows.append(
            {
                "bucket_no": number,
                "from_seconds": max(low, 0),
                "to_seconds": high,
                "processes": len(inside),
                "share_of_converted": len(inside) / len(lengths) if lengths else None,
                "share_of_first_so_far": len(so_far) / len(found),
            }
        )
    while rows and not rows[-1]["processes"]:
        rows.pop()
    return rows


def comparison(
    first: Sequence[Path],
    second: Sequence[Path],
    definition: dict[str, Any],
    mode: str,
    value_of: ValueOf,
) -> list[Row]:
    """Both sides of each step, their difference with the interval of Newcombe, and its parts."""
    rows: list[Row] = []
    for step_no, name in enumerate(step_names(definition, mode), start=1):
        j, k = (sum(step_no in path.reached for path in side) for side in (first, second))
        m, n = len(first), len(second)
        row: Row = {
            "step_no": step_no,
            "step": name,
            "entered_first": m,
            "reached_first": j,
            "share_first": j / m if m else None,
            "entered_second": n,
            "reached_second": k,
            "share_second": k / n if n else None,
            "is_small": min(m, n) < 5,
        }
        names = ("difference", "difference_low", "difference_high", "from_mix", "from_rate")
        row |= dict.fromkeys(names)
        if m and n:
            one = {name: value or 0.0 for name, value in limits("p", j, m).items()}
            two = {name: value or 0.0 for name, value in limits("p", k, n).items()}
            p, q = j / m, k / n
            low = ((q - two["p_low"]) ** 2 + (one["p_high"] - p) ** 2) ** 0.5
            high = ((two["p_high"] - q) ** 2 + (p - one["p_low"]) ** 2) ** 0.5
            mix, rate = parts(first, second, step_no, value_of)
            row |= {
                "difference": q - p,
                "difference_low": q - p - low,
                "difference_high": q - p + high,
                "from_mix": mix,
                "from_rate": rate,
            }
        rows.append(row)
    return rows


def parts(
    first: Sequence[Path], second: Sequence[Path], step_no: int, value_of: ValueOf
) -> tuple[float, float]:
    """How much of a difference comes from the mix of values, and how much from their rates: the
    mean of changing the one before the other, and after it.
    """
    values = {value_of(path.process_id) for path in (*first, *second)}

    def parts_of(side: Sequence[Path]) -> dict[str | None, Fraction]:
        counts = Counter(value_of(path.process_id) for path in side)
        return {value: Fraction(counts[value], len(side)) for value in values}

    def rates_of(side: Sequence[Path], other: Sequence[Path]) -> dict[str | None, Fraction]:
        found: dict[str | None, Fraction] = {}
        for value in values:
            mine = [p for p in side if value_of(p.process_id) == value]
            mine = mine or [p for p in other if value_of(p.process_id) == value]
            found[value] = Fraction(sum(step_no in p.reached for p in mine), len(mine))
        return found

    def share(part: dict[str | None, Fraction], rate: dict[str | None, Fraction]) -> Fraction:
        return sum((part[value] * rate[value] for value in values), Fraction(0))

    old, new = parts_of(first), parts_of(second)
    before, after = rates_of(first, second), rates_of(second, first)
    mix = (share(new, before) - share(old, before) + share(new, after) - share(old, after)) / 2
    rate = (share(old, after) - share(old, before) + share(new, after) - share(new, before)) / 2
    return float(mix), float(rate)
