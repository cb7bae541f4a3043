"""Days of a time zone, and what holds at their ends.

What is counted by day belongs to the modules beside this one.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from .versions import Row


def days(spells: list[Row], as_of: int, zone: ZoneInfo) -> list[date]:
    """Local days from the first opening to the day of `as_of`.

    A day that the local calendar skipped has no instant, and is not among them.
    """
    day = local_day(min(spell["started_at"] for spell in spells), zone)
    found: list[date] = []
    while day <= local_day(as_of, zone):
        if local_day(midnight(day, zone), zone) == day:
            found.append(day)
        day += timedelta(days=1)
    return found


def local_day(instant: int, zone: ZoneInfo) -> date:
    """The calendar day of an instant."""
    utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant)
    return utc.astimezone(zone).date()


def midnight(day: date, zone: ZoneInfo) -> int:
    """The instant at which the local day begins, in epoch milliseconds."""
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1000


def last_instant(day: date, as_of: int, zone: ZoneInfo) -> int:
    """The last millisecond of the local day that is seen: events at midnight are the next day's."""
    return min(midnight(day + timedelta(days=1), zone) - 1, as_of)


def contains(row: Row, instant: int, opening: str = "started") -> bool:
    """Whether the stay in `row`, which has `started` or `entered`, goes on at the instant."""
    closing = {"started": "ended_at", "entered": "left_at"}[opening]
    return row[f"{opening}_at"] <= instant and (row[closing] is None or instant < row[closing])


def days_with(stay: Row, ends: list[tuple[int, date]]) -> list[date]:
    """The days at whose end a stay goes on; `ends` are last instants and their days, in order."""
    following = ends[bisect_left(ends, (stay["started_at"], date.min)) :]
    ended_at = stay["ended_at"]
    seen = takewhile(lambda end: ended_at is None or end[0] < ended_at, following)
    return [day for _, day in seen]
