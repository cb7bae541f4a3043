"""Outcomes of processes: exact estimates in fractions, straight from the formulas.

Time to the first outcome is in milliseconds. How stays come about is for `stays.py`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from .days import midnight
from .history import status_spells
from .versions import Procedures, Row, Version, deleted_at, histories, start

DAY = 86_400_000
AGES = (1, 3, 7, 14, 30, 60, 90, 180)
Watched = tuple[int, str | None]
"""How long a process was watched, and the outcome that ended it, if any."""


def process_outcomes(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per process: its first outcome, or how long it has been watched without."""
    spells = status_spells(versions, as_of=as_of)
    rows: list[Row] = []
    for process_id, history in histories(versions, as_of).items():
        closings = [
            spell
            for spell in spells
            if spell["process_id"] == process_id and spell["status"] != "OPEN"
        ]
        gone_at = deleted_at(history)
        if closings:
            outcome, ended_at, ended_by = (
                closings[0]["status"].lower(),
                closings[0]["started_at"],
                "outcome",
            )
        elif gone_at is not None:
            outcome, ended_at, ended_by = None, gone_at, "deleted"
        else:
            outcome, ended_at, ended_by = None, as_of, "open"
        rows.append(
            {
                "process_id": process_id,
                "procedure": history[-1]["procedure"],
                "started_at": start(history),
                "outcome": outcome,
                "ended_at": ended_at,
                "seconds": (ended_at - start(history)) / 1000,
                "ended_by": ended_by,
            }
        )
    return rows


def incidence(watched: Sequence[Watched], outcome: str, until: int) -> Fraction:
    """Share with an outcome up to a time: the sum over times of who was left, and then had it."""
    left, total = Fraction(1), Fraction(0)
    for time in sorted({ms for ms, happened in watched if happened and ms <= until}):
        at_risk = sum(ms >= time for ms, _ in watched)
        mine = sum(ms == time and _is(outcome, happened) for ms, happened in watched)
        others = sum(ms == time and happened is not None for ms, happened in watched)
        total += left * Fraction(mine, at_risk)
        left *= 1 - Fraction(others, at_risk)
    return total


def survival(watched: Sequence[Watched], until: int) -> Fraction:
    """Share without any outcome up to a time (Kaplan and Meier)."""
    left = Fraction(1)
    for time in sorted({ms for ms, happened in watched if happened and ms <= until}):
        at_risk = sum(ms >= time for ms, _ in watched)
        left *= 1 - Fraction(sum(ms == time and o is not None for ms, o in watched), at_risk)
    return left


def standard_error(watched: Sequence[Watched], outcome: str, until: int) -> float:
    """By the delta method (Marubini and Valsecchi 1995): a sum over all earlier times."""
    now = incidence(watched, outcome, until)
    variance = Fraction(0)
    for time in sorted({ms for ms, happened in watched if happened and ms <= until}):
        at_risk = sum(ms >= time for ms, _ in watched)
        mine = sum(ms == time and _is(outcome, happened) for ms, happened in watched)
        every = sum(ms == time and happened is not None for ms, happened in watched)
        before = survival(watched, time - 1)
        ahead = now - incidence(watched, outcome, time)
        if every < at_risk:
            variance += ahead**2 * Fraction(every, at_risk * (at_risk - every))
        variance += before**2 * Fraction(mine * (at_risk - mine), at_risk**3)
        variance -= 2 * ahead * before * Fraction(mine, at_risk**2)
    return math.sqrt(max(variance, Fraction(0)))


def outcome_curves(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per procedure, outcome and day; without limits of confidence."""
    return [
        {"procedure": procedure, **row}
        for procedure, watched in _watched(versions, procedures, as_of).items()
        for row in curve(watched)
    ]


def curve(watched: Sequence[Watched]) -> list[Row]:
    """The rows of one group, to the last day on which somebody was watched."""
    last = max(math.ceil(Fraction(ms, DAY)) for ms, _ in watched)
    return [
        {
            "outcome": outcome,
            "day": day,
            "at_risk": sum(day == 0 or ms > (day - 1) * DAY for ms, _ in watched),
            "events": sum(
                _is(outcome, happened) and (day - 1) * DAY < ms <= day * DAY
                for ms, happened in watched
            ),
            "cumulative_incidence": float(incidence(watched, outcome, day * DAY)),
            "standard_error": standard_error(watched, outcome, day * DAY),
            "survival": float(survival(watched, day * DAY)),
        }
        for outcome in ("completed", "cancelled", "any")
        for day in range(last + 1)
    ]


def time_to_outcome(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per procedure and outcome, with quantiles where they have been reached."""
    rows: list[Row] = []
    for procedure, watched in _watched(versions, procedures, as_of).items():
        for outcome in ("completed", "cancelled", "any"):
            quantiles = {
                f"p{percent}_seconds": _reached(watched, outcome, Fraction(percent, 100))
                for percent in (25, 50, 75, 90)
            }
            rows.append(
                {
                    "procedure": procedure,
                    "outcome": outcome,
                    "processes": len(watched),
                    "events": sum(_is(outcome, happened) for _, happened in watched),
                    "n_censored": sum(happened is None for _, happened in watched),
                    **quantiles,
                }
            )
    return rows


def cohort_outcomes(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """One row per procedure, month and age; null until the month can bring nobody younger."""
    zone = ZoneInfo(time_zone)
    cohorts: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for row in process_outcomes(versions, procedures, as_of=as_of):
        if row["ended_by"] != "deleted":
            begun = datetime.fromtimestamp(row["started_at"] / 1000, UTC).astimezone(zone)
            cohorts[row["procedure"], begun.date().replace(day=1)].append(row)
    rows: list[Row] = []
    for (procedure, month), members in cohorts.items():
        following = (month + timedelta(days=32)).replace(day=1)
        for age in AGES:
            seen = midnight(following, zone) + age * DAY <= as_of + 1

            def part(outcome: str, age: int = age, members: list[Row] = members) -> float:
                return sum(
                    row["outcome"] == outcome and row["ended_at"] - row["started_at"] <= age * DAY
                    for row in members
                ) / len(members)

            rows.append(
                {
                    "procedure": procedure,
                    "cohort": month,
                    "age_days": age,
                    "processes": len(members),
                    "share_completed": part("completed") if seen else None,
                    "share_cancelled": part("cancelled") if seen else None,
                    "is_observed": seen,
                }
            )
    return rows


def _watched(
    versions: list[Version], procedures: Procedures, as_of: int
) -> dict[str, list[Watched]]:
    groups: dict[str, list[Watched]] = defaultdict(list)
    for row in process_outcomes(versions, procedures, as_of=as_of):
        groups[row["procedure"]].append((row["ended_at"] - row["started_at"], row["outcome"]))
    return groups


def _reached(watched: Sequence[Watched], outcome: str, part: Fraction) -> float | None:
    times = sorted({ms for ms, happened in watched if happened})
    reached: Callable[[int], bool] = lambda ms: incidence(watched, outcome, ms) >= part  # noqa: E731
    return next((ms / 1000 for ms in times if reached(ms)), None)


def _is(outcome: str, happened: str | None) -> bool:
    return happened is not None and outcome in (happened, "any")
