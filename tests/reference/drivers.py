"""Reference for the values that go with converting, in exact fractions where there are any."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction
from statistics import NormalDist
from typing import Any

from .funnels import converted_at_entry
from .intervals import limits
from .versions import Procedures, Row, Version

_Z = NormalDist().inv_cdf(0.975)


def drivers_at_entry(
    versions: list[Version], procedures: Procedures, *, as_of: int, attribute: str
) -> list[Row]:
    """One row per funnel with a window and value of the one attribute it is broken down by."""
    rows: list[Row] = []
    for short_id in sorted(procedures):
        for definition in procedures[short_id]["funnels"]:
            if definition["within_ms"] is None:
                continue
            found = converted_at_entry(
                versions, procedures, short_id, definition, as_of=as_of, attribute=attribute
            )
            head = {"funnel": definition["name"], "procedure": short_id, "attribute": attribute}
            rows += [head | row for row in compared(found)]
    return rows


def compared(found: list[tuple[Any, bool, bool]]) -> list[Row]:
    """The rows of one attribute; of each process its value, whether its window is over, and
    whether it has converted.
    """
    values: dict[Any, list[tuple[bool, bool]]] = defaultdict(list)
    for value, *facts in found:
        values[value].append((facts[0], facts[1]))
    rows = [_row(value, values) for value in values]
    tested = sorted(row["p_value"] for row in rows if row["p_value"] is not None)
    for row in rows:
        row["n_tests"] = len(tested)
        row["p_adjusted"] = None if row["p_value"] is None else _holm(row["p_value"], tested)
    return rows


def _row(value: Any, values: dict[Any, list[tuple[bool, bool]]]) -> Row:
    mine = [has for over, has in values[value] if over]
    rest = [has for name in values if name != value for over, has in values[name] if over]
    a, b, c, d = sum(mine), mine.count(False), sum(rest), rest.count(False)
    is_small = min(len(mine), len(rest)) < 5
    ratio = low = high = None
    if a + b and c + d and a + c and b + d:
        half = 0 if a and b and c and d else 0.5
        cells = [cell + half for cell in (a, b, c, d)]
        ratio = (cells[0] / cells[1]) / (cells[2] / cells[3])
        error = math.sqrt(sum(1 / cell for cell in cells))
        low, high = (ratio * math.exp(sign * _Z * error) for sign in (-1, 1))
    return {
        "value": value,
        "processes": a + b,
        "converted": a,
        "share": a / (a + b) if a + b else None,
        **limits("share", a, a + b),
        "waiting": sum(not over for over, _ in values[value]),
        "others": c + d,
        "share_of_others": c / (c + d) if c + d else None,
        "odds_ratio": ratio,
        "odds_ratio_low": low,
        "odds_ratio_high": high,
        "p_value": None if is_small else fisher(a, b, c, d),
        "is_small": is_small,
    }


def fisher(a: int, b: int, c: int, d: int) -> float | None:
    """The share of the ways to draw these margins that are no more frequent than this one."""
    if not (a + c and b + d and a + b and c + d):
        return None
    drawn = a + c

    def ways(x: int) -> int:
        return math.comb(a + b, x) * math.comb(c + d, drawn - x)

    all_ways = [ways(x) for x in range(drawn + 1)]
    return float(Fraction(sum(w for w in all_ways if w <= ways(a)), sum(all_ways)))


def _holm(p: float, tested: list[float]) -> float:
    """The least level at which the steps of Holm's procedure reject all up to this one."""
    return min(1.0, max((len(tested) - n) * q for n, q in enumerate(tested) if q <= p))
