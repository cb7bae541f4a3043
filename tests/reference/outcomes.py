"""Outcomes of processes: exact estimates in fractions, straight from the formulas.

Time to the first outcome is in milliseconds. How stays come about is for `stays.py`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from statistics import NormalDist
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .days import local_day, midnight
from .history import status_spells
from .intervals import limits
from .observation import observed_since
from .versions import Procedures, Row, Version, deleted_at, histories, start

DAY = 86_400_000
AGES = (1, 3, 7, 14, 30, 60, 90, 180)
OUTCOMES = ("completed", "cancelled", "any")


class Watched(NamedTuple):
    """The age at which a process was last watched, the outcome then, and the age after which it
    was watched, unless from the start.
    """

    ms: int
    outcome: str | None
    after: int | None = None

    def is_there(self, time: int) -> bool:
        return (self.after is None or self.after < time) and time <= self.ms


def process_outcomes(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """One row per process: its first outcome, or how long it has been watched without."""
    spells = status_spells(versions, as_of=as_of)
    observed = observed_since(versions, procedures, as_of=as_of, time_zone=time_zone)
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
        procedure = history[-1]["procedure"]
        since = observed[history[0]["procedure"]]
        is_late = start(history) < since
        entered_at = start(history)
        if is_late:
            entered_at = max(history[0]["updated_at"], since)
        rows.append(
            {
                "process_id": process_id,
                "procedure": procedure,
                "started_at": start(history),
                "outcome": outcome,
                "ended_at": ended_at,
                "seconds": (ended_at - start(history)) / 1000,
                "ended_by": ended_by,
                "entered_at": None if is_late and entered_at >= ended_at else entered_at,
                "is_observed_from_start": not is_late,
            }
        )
    return rows


def at_risk(watched: Sequence[Watched], time: int) -> int:
    """How many were watched at an age, without an outcome before it."""
    return sum(w.is_there(time) for w in watched)


def incidence(watched: Sequence[Watched], outcome: str, until: int) -> Fraction:
    """Share with an outcome up to a time: the sum over times of who was left, and then had it."""
    left, total = Fraction(1), Fraction(0)
    for time in _times(watched, until):
        mine = sum(w.ms == time and _is(outcome, w.outcome) for w in watched)
        every = sum(w.ms == time and w.outcome is not None for w in watched)
        total += left * Fraction(mine, at_risk(watched, time))
        left *= 1 - Fraction(every, at_risk(watched, time))
    return total


def survival(watched: Sequence[Watched], until: int) -> Fraction:
    """Share without any outcome up to a time (Kaplan and Meier)."""
    left = Fraction(1)
    for time in _times(watched, until):
        every = sum(w.ms == time and w.outcome is not None for w in watched)
        left *= 1 - Fraction(every, at_risk(watched, time))
    return left


def standard_error(watched: Sequence[Watched], outcome: str, until: int) -> float:
    """By the delta method (Marubini and Valsecchi 1995): a sum over all earlier times."""
    now = incidence(watched, outcome, until)
    variance = Fraction(0)
    for time in _times(watched, until):
        there = at_risk(watched, time)
        mine = sum(w.ms == time and _is(outcome, w.outcome) for w in watched)
        every = sum(w.ms == time and w.outcome is not None for w in watched)
        before = survival(watched, time - 1)
        ahead = now - incidence(watched, outcome, time)
        if every < there:
            variance += ahead**2 * Fraction(every, there * (there - every))
        variance += before**2 * Fraction(mine * (there - mine), there**3)
        variance -= 2 * ahead * before * Fraction(mine, there**2)
    return math.sqrt(max(variance, Fraction(0)))


def distance(watched: Sequence[Watched], outcome: str, until: int, share: float) -> float | None:
    """How many standard errors the estimate is above `share`, on the scale log(-log).

    The scale is that of the incidence, for `any` of the survival. Null where it does not reach: at
    0 and 1.
    """
    found = incidence(watched, outcome, until)
    if outcome == "any":
        found, share = 1 - found, 1 - share
    if not 0 < found < 1:
        return None
    slope = abs(1 / (float(found) * math.log(found)))
    error = slope * standard_error(watched, outcome, until)
    away = math.log(-math.log(found)) - math.log(-math.log(share))
    return math.copysign(math.inf, away) if error == 0 else away / error * _SIGNS[outcome]


_SIGNS = {"completed": -1, "cancelled": -1, "any": 1}
_Z = NormalDist().inv_cdf(0.975)


def median_limits(watched: Sequence[Watched], outcome: str) -> tuple[float | None, float | None]:
    """The first times, in seconds, from which on a half is not (still) out of reach, and surely
    passed (Brookmeyer and Crowley 1982).
    """
    away = [(time, distance(watched, outcome, time, 0.5)) for time in _times(watched, math.inf)]
    low, high = (
        next((time / 1000 for time, z in away if z is not None and z >= least), None)
        for least in (-_Z - 1e-9, _Z - 1e-9)
    )
    return low, high


def outcome_curves(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """One row per procedure, outcome and day; without limits of confidence."""
    rows = process_outcomes(versions, procedures, as_of=as_of, time_zone=time_zone)
    return [
        {"procedure": procedure, **row}
        for procedure, watched in _watched(rows).items()
        for row in curve(watched)
    ]


def curve(watched: Sequence[Watched], outcomes: Sequence[str] = OUTCOMES) -> list[Row]:
    """The rows of one group, to the last day on which somebody was watched."""
    last = max(math.ceil(Fraction(w.ms, DAY)) for w in watched)
    there = [
        sum(
            (day == 0 or w.ms > (day - 1) * DAY) and (w.after is None or w.after < day * DAY)
            for w in watched
        )
        for day in range(last + 1)
    ]
    return [
        {
            "outcome": outcome,
            "day": day,
            "at_risk": there[day],
            "events": sum(
                _is(outcome, w.outcome) and (day - 1) * DAY < w.ms <= day * DAY for w in watched
            ),
            "cumulative_incidence": float(incidence(watched, outcome, day * DAY)),
            "standard_error": standard_error(watched, outcome, day * DAY),
            "survival": float(survival(watched, day * DAY)),
            "is_small": any(
                n < 5
                for n in (
                    *there[: day + 1],
                    *(at_risk(watched, time) for time in _times(watched, day * DAY)),
                )
            ),
        }
        for outcome in outcomes
        for day in range(last + 1)
    ]


def time_to_outcome(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """One row per procedure and outcome, with quantiles where they have been reached."""
    of_processes = process_outcomes(versions, procedures, as_of=as_of, time_zone=time_zone)
    groups = _watched(of_processes)
    rows: list[Row] = []
    for procedure in {row["procedure"] for row in of_processes}:
        members = [row for row in of_processes if row["procedure"] == procedure]
        watched = groups.get(procedure, [])
        rows += [
            {
                "procedure": procedure,
                "n_entered_late": sum(w.after is not None for w in watched),
                "n_left_out": sum(row["entered_at"] is None for row in members),
                **quantiles(watched, outcome),
            }
            for outcome in OUTCOMES
        ]
    return rows


def time_to_outcome_cohorts(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """One row per procedure, local month of creation and outcome."""
    zone = ZoneInfo(time_zone)
    cohorts: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for row in process_outcomes(versions, procedures, as_of=as_of, time_zone=time_zone):
        month = local_day(row["started_at"], zone).replace(day=1)
        cohorts[row["procedure"], month].append(row)
    rows: list[Row] = []
    for (procedure, month), created in cohorts.items():
        members = [row for row in created if row["is_observed_from_start"]]
        watched = _watched(members).get(procedure, [])
        rows += [
            {
                "procedure": procedure,
                "cohort": month,
                "n_left_out": len(created) - len(members),
                **quantiles(watched, outcome),
            }
            for outcome in OUTCOMES
        ]
    return rows


def quantiles(watched: Sequence[Watched], outcome: str) -> Row:
    """Counts, the times by which shares have an outcome, and the interval of the median."""
    events = sum(_is(outcome, w.outcome) for w in watched)
    low, high = median_limits(watched, outcome)
    return {
        "outcome": outcome,
        "processes": len(watched),
        "events": events,
        "n_censored": sum(w.outcome is None for w in watched),
        **{
            f"p{percent}_seconds": reached(watched, outcome, Fraction(percent, 100))
            for percent in (25, 50, 75, 90)
        },
        "p50_seconds_low": low,
        "p50_seconds_high": high,
        "is_small": events < 5,
    }


def cohort_outcomes(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """One row per procedure, month and age; null until the month can bring nobody younger."""
    zone = ZoneInfo(time_zone)
    cohorts: dict[tuple[str, date], list[Row]] = defaultdict(list)
    for row in process_outcomes(versions, procedures, as_of=as_of, time_zone=time_zone):
        if row["ended_by"] != "deleted":
            begun = datetime.fromtimestamp(row["started_at"] / 1000, UTC).astimezone(zone)
            cohorts[row["procedure"], begun.date().replace(day=1)].append(row)
    rows: list[Row] = []
    for (procedure, month), created in cohorts.items():
        following = (month + timedelta(days=32)).replace(day=1)
        members = [row for row in created if row["is_observed_from_start"]]
        n = len(members)
        for age in AGES:
            missing = None
            if not members:
                missing = "not observed from the start"
            elif midnight(following, zone) + age * DAY > as_of + 1:
                missing = "not old enough"
            seen = missing is None

            def part(outcome: str, age: int = age, members: list[Row] = members) -> int:
                return sum(
                    row["outcome"] == outcome and row["ended_at"] - row["started_at"] <= age * DAY
                    for row in members
                )

            rows.append(
                {
                    "procedure": procedure,
                    "cohort": month,
                    "age_days": age,
                    "processes": n,
                    "share_completed": part("completed") / n if seen else None,
                    "share_cancelled": part("cancelled") / n if seen else None,
                    "is_observed": seen,
                    **limits("share_completed", part("completed"), n if seen else 0),
                    **limits("share_cancelled", part("cancelled"), n if seen else 0),
                    "is_small": n < 5,
                    "not_observed_because": missing,
                    "n_left_out": len(created) - n,
                }
            )
    return rows


def _watched(rows: Sequence[Row]) -> dict[str, list[Watched]]:
    """By procedure, those that were ever watched."""
    groups: dict[str, list[Watched]] = defaultdict(list)
    for row in rows:
        if row["entered_at"] is not None:
            late = row["entered_at"] - row["started_at"]
            after = None if row["is_observed_from_start"] else late
            length = row["ended_at"] - row["started_at"]
            groups[row["procedure"]].append(Watched(length, row["outcome"], after))
    return groups


def _times(watched: Sequence[Watched], until: float) -> list[int]:
    """The times at which somebody had an outcome."""
    return sorted({w.ms for w in watched if w.outcome and w.ms <= until})


def reached(watched: Sequence[Watched], outcome: str, part: Fraction) -> float | None:
    """The first time, in seconds, by which a share has an outcome."""
    times = _times(watched, math.inf)
    return next((ms / 1000 for ms in times if incidence(watched, outcome, ms) >= part), None)


def _is(outcome: str, happened: str | None) -> bool:
    return happened is not None and outcome in (happened, "any")
