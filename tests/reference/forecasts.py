"""Forecasts by days drawn from the past, trial by trial."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import count

from .versions import Row

CHANCES = (0.5, 0.85, 0.95)
TRIALS = 1000


def drawn(seed: str, trial: int, day_no: int, pool: list[int]) -> int:
    """An entry of the pool, by the lower half of a hash."""
    digest = hashlib.md5(f"{seed}:{trial}:{day_no}".encode(), usedforsecurity=False).digest()
    return pool[int.from_bytes(digest[8:], "little") % len(pool)]


def forecast(
    procedure: str,
    closed: Mapping[date, int],
    open_now: int,
    today: date,
    *,
    days: int,
    seed: int,
    ahead: int,
) -> list[Row]:
    """One row per chance; `closed` has what was closed on each whole day."""
    known = {day: n for day, n in closed.items() if (today - day).days <= days}
    text = f"{seed}:{procedure}"
    needed: list[int] = []
    by_then: list[int] = []
    for trial in range(1, TRIALS + 1):
        total = 0
        for day_no in count(1):
            day = today + timedelta(days=day_no)
            total += drawn(text, trial, day_no, _pool(known, day.isoweekday()))
            if day_no == ahead:
                by_then.append(total)
            if total >= open_now and len(needed) < trial:
                needed.append(day_no)
            if len(needed) == len(by_then) == trial:
                break
    return [
        {
            "procedure": procedure,
            "chance": chance,
            "open_processes": open_now,
            "n_days_needed": sorted(needed)[place],
            "done_on": today + timedelta(days=sorted(needed)[place]),
            "by_day": today + timedelta(days=ahead),
            "closed_by_day": sorted(by_then, reverse=True)[place],
            "n_days_of_history": len(known),
        }
        for chance in CHANCES
        for place in [math.ceil(chance * TRIALS) - 1]
    ]


def forecast_held(
    procedure: str, closed: Mapping[date, int], *, days: int, seed: int, ahead: int
) -> list[Row]:
    """How often as many were closed as forecasts of the past said, one each week."""
    last = max(closed)
    held: dict[float, list[bool]] = {chance: [] for chance in CHANCES}
    for week in range(52):
        cut = last - timedelta(days=ahead - 1 + 7 * week)
        if (cut - min(closed)).days < days:
            break
        known = {d: n for d, n in closed.items() if d < cut and (cut - d).days <= days}
        totals = sorted(
            (
                sum(
                    drawn(
                        f"{seed}:{procedure}:{cut}",
                        trial,
                        day_no,
                        _pool(known, (cut + timedelta(days=day_no - 1)).isoweekday()),
                    )
                    for day_no in range(1, ahead + 1)
                )
                for trial in range(1, TRIALS + 1)
            ),
            reverse=True,
        )
        actual = sum(closed[cut + timedelta(days=n)] for n in range(ahead))
        for chance in CHANCES:
            held[chance].append(actual >= totals[math.ceil(chance * TRIALS) - 1])
    return [
        {
            "procedure": procedure,
            "chance": chance,
            "n_forecasts": len(found),
            "n_held": sum(found),
            "share_held": sum(found) / len(found),
            "is_small": len(found) < 5,
        }
        for chance, found in held.items()
    ]


def _pool(known: Mapping[date, int], weekday: int) -> list[int]:
    return [n for day, n in sorted(known.items()) if day.isoweekday() == weekday]


def forecast_target(
    procedure: str,
    name: str,
    values: Mapping[date, float | None],
    target: float,
    better: str,
    *,
    first: date,
    last: date,
    days: int,
    seed: int,
) -> Row:
    """What the simulated futures say of the mean of the days from `first` to `last`; `values` has
    those of all whole days.
    """
    (start, *_), end = sorted(values), max(values)
    pool: dict[date, float | None] = {d: v for d, v in values.items() if (end - d).days < days}
    if name == "open":
        pool = {d: (values[d] or 0) - (values[d - timedelta(1)] or 0) for d in pool if d > start}
    figures: list[float] = []
    for trial in range(1, TRIALS + 1):
        path = dict(values)
        for day_no in range(1, (last - end).days + 1):
            day = end + timedelta(days=day_no)
            same = [v for d, v in sorted(pool.items()) if d.isoweekday() == day.isoweekday()]
            place = drawn(f"{seed}:{procedure}", trial, day_no, list(range(len(same))))
            value = same[place]
            before = path[day - timedelta(1)] or 0
            path[day] = before + (value or 0) if name == "open" else value
        found = [v for d, v in path.items() if first <= d <= last and v is not None]
        if found:
            figures.append(round(sum(found) / len(found), 9))
    figures.sort()
    aim = round(target, 9)
    met = sum(f >= aim if better == "higher" else f <= aim for f in figures)
    percentiles = {
        f"p{percent}_value": figures[math.ceil(percent / 100 * len(figures)) - 1]
        if figures
        else None
        for percent in (10, 50, 90)
    }
    return {
        "procedure": procedure,
        "indicator": name,
        "target": target,
        "better": better,
        "from_day": first,
        "by_day": last,
        "share_on_target": met / len(figures) if figures else None,
        "history_from": min(pool),
        "n_days_of_history": len(pool),
        **percentiles,
    }
