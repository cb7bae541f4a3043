"""What was open by pod, what flowed through in each week, and how far processes had come.

Open processes by state and the days' flow are in `marts.py`, people in `people.py`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from datetime import date, timedelta
from statistics import NormalDist
from zoneinfo import ZoneInfo

from .days import contains, days, days_with, last_instant, local_day, midnight
from .durations import mean_seconds
from .marts import open_spells
from .open_stays import open_stays
from .stays import state_visits
from .versions import Procedures, Row, Version

_DAY_MS = 86_400_000
_LEAST_CLOSED = 5


def backlog_daily_by_assignee(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """Open processes per local day, procedure and assignee at the end of the day; only where any."""
    return _backlog(versions, procedures, as_of, time_zone, by="assigned_to")


def backlog_daily_by_pod(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """Open processes per local day, procedure and pod at the end of the day; only where any."""
    return _backlog(versions, procedures, as_of, time_zone, by="pod_id")


def _backlog(
    versions: list[Version], procedures: Procedures, as_of: int, time_zone: str, by: str
) -> list[Row]:
    zone = ZoneInfo(time_zone)
    stays = open_stays(versions, procedures, as_of=as_of)
    rows: list[Row] = []
    for procedure, spells in open_spells(versions, as_of).items():
        ends = [(last_instant(day, as_of, zone), day) for day in days(spells, as_of, zone)]
        there = Counter(
            (day, stay[by])
            for stay in stays
            if stay["procedure"] == procedure
            for day in days_with(stay, ends)
        )
        rows += [
            {"day": day, "procedure": procedure, by: value, "open_processes": number}
            for (day, value), number in there.items()
        ]
    return rows


def cumulative_flow(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """Per local day, procedure and state: processes that ever were in it or in a later state."""
    zone = ZoneInfo(time_zone)
    visits = state_visits(versions, procedures, as_of=as_of)
    rows: list[Row] = []
    for procedure, spells in open_spells(versions, as_of).items():
        for rank, state in enumerate(procedures[procedure]["states"], start=1):
            first: dict[str, int] = {}
            for visit in visits:
                if visit["procedure"] == procedure and visit["state_rank"] >= rank:
                    first.setdefault(visit["process_id"], visit["entered_at"])
            instants = sorted(first.values())
            before = 0
            for day in days(spells, as_of, zone):
                so_far = bisect_right(instants, last_instant(day, as_of, zone))
                rows.append(
                    {
                        "day": day,
                        "procedure": procedure,
                        "state": state["short_id"],
                        "state_rank": rank,
                        "arrived": so_far - before,
                        "arrived_so_far": so_far,
                    }
                )
                before = so_far
    return rows


def flow_weekly(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """Per procedure and local week, from that of the first opening to that of `as_of`."""
    zone = ZoneInfo(time_zone)
    rows: list[Row] = []
    for procedure, spells in open_spells(versions, as_of).items():
        first_day = local_day(min(spell["started_at"] for spell in spells), zone)
        week = first_day - timedelta(days=first_day.weekday())
        while week <= local_day(as_of, zone):
            rows.append({"week": week, "procedure": procedure} | _week(spells, week, as_of, zone))
            week += timedelta(days=7)
    return rows


def _week(spells: list[Row], week: date, as_of: int, zone: ZoneInfo) -> Row:
    begins_at, next_at = midnight(week, zone), midnight(week + timedelta(days=7), zone)
    ends_at = as_of if next_at > as_of + 1 else next_at
    # At the end of the last week its very last instant is seen, too.
    seen = range(begins_at, min(next_at - 1, as_of) + 1)
    events = Counter(
        spell[event]
        for spell in spells
        for event, at in (("opened_by", "started_at"), ("ended_by", "ended_at"))
        if spell[at] is not None and spell[at] in seen
    )
    lengths = [
        spell["ended_at"] - spell["started_at"]
        for spell in spells
        if spell["ended_at"] is not None
        and spell["ended_at"] in seen
        and spell["ended_by"] in ("completed", "cancelled")
    ]
    open_ms = 0
    for spell in spells:
        until = ends_at if spell["ended_at"] is None else min(spell["ended_at"], ends_at)
        open_ms += max(until - max(spell["started_at"], begins_at), 0)
    length = ends_at - begins_at
    arrivals = events["created"] + events["reopened"] + events["restored"]
    closed = events["completed"] + events["cancelled"]
    mean = mean_seconds(lengths)
    moves = ("moved_in", "moved_out")
    came, went = arrivals + events["moved_in"], closed + events["deleted"] + events["moved_out"]
    # As far apart as 95 of 100 pairs of Poisson counts of one mean at most.
    is_near = came == went or (came - went) ** 2 / (came + went) <= NormalDist().inv_cdf(0.975) ** 2
    is_steady = is_near and closed >= _LEAST_CLOSED and next_at <= as_of + 1
    return {event: events[event] for event in ("created", "reopened", "restored", *moves)} | {
        "is_partial": next_at > as_of + 1,
        "open_at_start": sum(contains(spell, begins_at - 1) for spell in spells),
        "arrivals": arrivals,
        "completed": events["completed"],
        "cancelled": events["cancelled"],
        "closed": closed,
        "deleted": events["deleted"],
        "open_at_end": sum(contains(spell, seen[-1]) for spell in spells),
        "arrivals_per_day": arrivals * _DAY_MS / length if length else None,
        "throughput_per_day": closed * _DAY_MS / length if length else None,
        "average_open_processes": open_ms / length if length else None,
        "mean_open_seconds": mean,
        "predicted_open_processes": (
            arrivals * mean * 1000 / length if mean is not None and is_steady else None
        ),
    }
