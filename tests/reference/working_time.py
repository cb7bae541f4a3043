"""Working time minute by minute: each minute is worked or not by what the clock on the wall shows.

Calendars are as written in their files. Instants and durations are in milliseconds.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

CalendarAsWritten = dict[str, Any]

_MINUTE = 60_000
_DAY = 1440
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def read_calendars(folder: Path) -> dict[str, CalendarAsWritten]:
    """The calendars of a folder by name."""
    written = [yaml.load(path.read_text(), yaml.BaseLoader) for path in folder.glob("*.yaml")]
    return {calendar["name"]: calendar for calendar in written}


def is_worked(calendar: CalendarAsWritten, instant: datetime) -> bool:
    """Whether an instant (with a zone) is working time."""
    local = instant.astimezone(ZoneInfo(calendar["timezone"]))
    return _is_worked_locally(calendar, local.date(), local.hour * 60 + local.minute)


def _is_worked_locally(calendar: CalendarAsWritten, day: date, minute: int) -> bool:
    entries = {entry["date"]: entry for entry in calendar.get("holidays", [])}
    special = entries.get(day.isoformat()) or entries.get(day.isoformat()[5:])
    if special is not None:
        if "open" in special:
            return any(start <= minute < end for start, end in map(_minutes, special["open"]))
        closed = special.get("closed", ["00:00-24:00"])
        if any(start <= minute < end for start, end in map(_minutes, closed)):
            return False
    weekly = calendar.get("weekly", {"daily": ["00:00-24:00"]})
    return _is_in(weekly, day, minute) and not _is_in(calendar.get("breaks", {}), day, minute)


def worked_ms(calendar: CalendarAsWritten | None, started_at: int, ended_at: int) -> int:
    """Working time of `[started_at, ended_at)`; of no calendar every hour is worked."""
    if calendar is None:
        return ended_at - started_at
    text = repr(calendar)
    days = range(started_at // _MINUTE // _DAY, ended_at // _MINUTE // _DAY)
    whole_days = sum(_sums(text, day)[_DAY] for day in days) * _MINUTE
    return whole_days + _worked_today(text, ended_at) - _worked_today(text, started_at)


def working_days_ms(calendar: CalendarAsWritten | None, started_at: int, days: int) -> int:
    """The working time of so many working days from the one in which `started_at` lies, or the
    next; without a calendar a day has 24 hours.
    """
    if calendar is None:
        return days * _DAY * _MINUTE
    text = repr(calendar)
    minute = started_at // _MINUTE
    lengths: dict[date, int] = {}
    first: date | None = None
    # A slot may have begun on the evening before the day before, where the clocks go back.
    for day in range(minute // _DAY - 2, minute // _DAY + 40 * days + 400):
        for minute_of_day, working_day in enumerate(_working_days(text, day)):
            if working_day is None:
                continue
            if first is None and day * _DAY + minute_of_day >= minute:
                first = working_day
            lengths[working_day] = lengths.get(working_day, 0) + 1
        found = [length for at, length in lengths.items() if first is not None and at >= first]
        if len(found) > days:  # the last one may go on
            return sum(found[:days]) * _MINUTE
    raise AssertionError("not enough working days")


@cache
def _working_days(calendar: str, day: int) -> list[date | None]:
    """For each minute of a day of UTC the working day it belongs to; None where nobody works."""
    zone = ZoneInfo(_read(calendar)["timezone"])
    midnight = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    local = [(midnight + timedelta(minutes=n)).astimezone(zone) for n in range(_DAY)]
    return [_working_day(_read(calendar), at.date(), at.hour * 60 + at.minute) for at in local]


def _working_day(calendar: CalendarAsWritten, day: date, minute: int) -> date | None:
    """The day on which the slot of a minute begins; the day before, where both days have it."""
    if not _is_worked_locally(calendar, day, minute):
        return None
    entries = {entry["date"]: entry for entry in calendar.get("holidays", [])}
    special = entries.get(day.isoformat()) or entries.get(day.isoformat()[5:]) or {}
    weekly = calendar.get("weekly", {"daily": ["00:00-24:00"]})
    yesterday = map(_minutes, _slots(weekly, (day.weekday() - 1) % 7))
    runs_over = any(start <= minute + _DAY < end for start, end in yesterday)
    return day - timedelta(days=1) if runs_over and "open" not in special else day


def _worked_today(calendar: str, instant: int) -> int:
    """Working time since midnight in UTC: whole minutes, and the part of the last one."""
    minute, rest = divmod(instant, _MINUTE)
    day, minute_of_day = divmod(minute, _DAY)
    sums = _sums(calendar, day)
    works = sums[minute_of_day + 1] > sums[minute_of_day]
    return sums[minute_of_day] * _MINUTE + (rest if works else 0)


@cache
def _sums(calendar: str, day: int) -> list[int]:
    """For each minute of a day of UTC how many before it were worked, and for the whole day."""
    zone = ZoneInfo(_read(calendar)["timezone"])
    midnight = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    local = [(midnight + timedelta(minutes=n)).astimezone(zone) for n in range(_DAY)]
    minutes = [_local_day(calendar, at.date())[at.hour * 60 + at.minute] for at in local]
    return list(accumulate(minutes, initial=0))


@cache
def _local_day(calendar: str, day: date) -> list[bool]:
    """For each minute of a local day whether it is worked."""
    return [_is_worked_locally(_read(calendar), day, minute) for minute in range(_DAY)]


@cache
def _read(calendar: str) -> CalendarAsWritten:
    return yaml.load(calendar, yaml.BaseLoader)


def _is_in(week: dict[str, list[str]], day: date, minute: int) -> bool:
    """Whether a minute of a day lies in a slot that begins on it, or on the day before."""
    today = map(_minutes, _slots(week, day.weekday()))
    yesterday = map(_minutes, _slots(week, (day.weekday() - 1) % 7))
    return any(start <= minute < end for start, end in today) or any(
        start <= minute + _DAY < end for start, end in yesterday
    )


def _slots(week: dict[str, list[str]], weekday: int) -> list[str]:
    for key in (_WEEKDAYS[weekday], "workdays" if weekday < 5 else "daily", "daily"):
        if key in week:
            return week[key]
    return []


def _minutes(slot: str) -> tuple[int, int]:
    start, end = (int(part[:2]) * 60 + int(part[3:]) for part in slot.split("-"))
    return start, end if end > start else end + _DAY
