"""Calendars as slots between instants: what is worked from 2000 on, and how much came before.

What a calendar is, is in `schemas/working_calendars.py`. Slots are cut in local time, then brought
to instants by the periods in which the zone keeps one offset from UTC: an hour that is skipped is
in none of them, an hour that is repeated in two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import polars as pl

from schemas.working_calendars import MINUTES_PER_DAY, Calendar, Holiday, Slot

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2060, 12, 31)
"""The local days whose working time is known. Records from before 2000 are not accepted."""

_EPOCH = date(1970, 1, 1)
_DAY_MS = 24 * 3600 * 1000
_MINUTE_MS = 60 * 1000
_STEP_MS = 3 * _DAY_MS  # Boa Vista kept summer time for 7 days in 2000
_WHOLE_DAY = (Slot(0, MINUTES_PER_DAY),)


@cache
def working_slots(calendar: Calendar) -> pl.DataFrame:
    """The slots of a calendar in order, apart from each other, none of them empty.

    Grain: one row per slot `[starts_at, ends_at)`, instants in UTC; `worked_ms_before` is what the
    slots before it hold. Takes some hundredths of a second, once per calendar.
    """
    local = _local_slots(calendar)
    periods = pl.DataFrame(
        _offset_periods(calendar.timezone), schema=["since", "until", "offset"], orient="row"
    )
    # Slots are in order, so those of a period are a range of them. Two periods may share some,
    # where an hour is repeated; those of a skipped hour are in none.
    first = local["end"].search_sorted(periods["since"] + periods["offset"], side="right")
    last = local["start"].search_sorted(periods["until"] + periods["offset"], side="left")
    placed = (
        periods.with_columns(
            pl.int_ranges(first.cast(pl.Int64), last.cast(pl.Int64)).alias("place")
        )
        .filter(pl.col("place").list.len() > 0)
        .explode("place")
    )
    start, end = (local[name].gather(placed["place"]) - placed["offset"] for name in local.columns)
    slots = placed.select(
        pl.max_horizontal(start, "since").alias("start"),
        pl.min_horizontal(end, "until").alias("end"),
    )
    return _counted(slots)


def _counted(slots: pl.DataFrame) -> pl.DataFrame:
    """Slots in order with what was worked before; those that touch, as at midnight, become one."""
    starts = slots["start"].filter(slots["start"] != slots["end"].shift(fill_value=-1))
    ends = slots["end"].filter(slots["end"] != slots["start"].shift(-1, fill_value=-1))
    worked = ends - starts
    return pl.DataFrame(
        {
            "starts_at": starts.cast(pl.Datetime("ms")),
            "ends_at": ends.cast(pl.Datetime("ms")),
            "worked_ms_before": worked.cum_sum() - worked,
        }
    )


def _local_slots(calendar: Calendar) -> pl.DataFrame:
    """The slots of every local day in milliseconds of local time, as if it were UTC.

    Grain: one row per day and slot, in order; a slot overnight is two, one on each day.
    """
    days = pl.DataFrame({"day": pl.date_range(FIRST_DAY, LAST_DAY, eager=True)})
    usual = {weekday: _usual_day(calendar, weekday) for weekday in range(7)}
    weekday = pl.col("day").dt.weekday() - 1
    special: dict[date, tuple[Slot, ...]] = {}
    for holiday in sorted(calendar.holidays, key=lambda holiday: len(holiday.date)):
        for day in _days_of(holiday):
            special[day] = _on_holiday(usual[day.weekday()], holiday)
    closed = pl.DataFrame({"day": list(special)}, schema={"day": pl.Date})
    written = [(day, slot.start, slot.end) for day, slots in special.items() for slot in slots]
    week = [(day, slot.start, slot.end) for day, slots in usual.items() for slot in slots]
    slots = pl.concat(
        [
            days.join(closed, on="day", how="anti")
            .with_columns(weekday.alias("weekday"))
            .join(_minutes(week, "weekday", pl.Int8), on="weekday")
            .drop("weekday"),
            _minutes(written, "day", pl.Date),
        ]
    ).sort("day", "start")
    midnight = slots["day"].cast(pl.Datetime("ms")).cast(pl.Int64)
    return slots.select(
        (midnight + pl.col(name) * _MINUTE_MS).alias(name) for name in ("start", "end")
    )


def _minutes(
    slots: list[tuple[int, int, int]] | list[tuple[date, int, int]],
    key: str,
    kind: type[pl.DataType],
) -> pl.DataFrame:
    schema = {key: kind, "start": pl.Int64, "end": pl.Int64}
    return pl.DataFrame(slots, schema=schema, orient="row")


def _days_of(holiday: Holiday) -> Iterator[date]:
    """The day of a holiday, or that of every year which has it."""
    if holiday.is_yearly:
        for year in range(FIRST_DAY.year, LAST_DAY.year + 1):
            with suppress(ValueError):  # 29 February
                yield date.fromisoformat(f"{year}-{holiday.date}")
    else:
        yield date.fromisoformat(holiday.date)


def _usual_day(calendar: Calendar, weekday: int) -> tuple[Slot, ...]:
    """What is worked on a weekday that is no holiday, with what runs over from the day before."""
    worked = _within(calendar.slots(weekday), calendar.slots((weekday - 1) % 7))
    breaks = calendar.breaks
    return _without(worked, _within(breaks.slots(weekday), breaks.slots((weekday - 1) % 7)))


def _within(today: Iterable[Slot], yesterday: Iterable[Slot]) -> list[Slot]:
    over = [Slot(0, slot.end - MINUTES_PER_DAY) for slot in yesterday]
    cut = [Slot(slot.start, min(slot.end, MINUTES_PER_DAY)) for slot in today]
    return [slot for slot in (*over, *cut) if slot.end > slot.start]


def _on_holiday(usual: Sequence[Slot], holiday: Holiday) -> tuple[Slot, ...]:
    if holiday.open is not None:
        return _without(holiday.open, ())
    return _without(usual, _WHOLE_DAY if holiday.closed is None else holiday.closed)


def _without(slots: Iterable[Slot], taken: Iterable[Slot]) -> tuple[Slot, ...]:
    """The minutes that are in `slots` and not in `taken`, as slots apart from each other."""
    minutes = bytearray(MINUTES_PER_DAY + 1)
    for slot in slots:
        minutes[slot.start : slot.end] = b"\1" * (slot.end - slot.start)
    for slot in taken:
        minutes[slot.start : slot.end] = bytes(slot.end - slot.start)
    found: list[Slot] = []
    start = minutes.find(1)
    while start >= 0:
        end = minutes.find(0, start)
        found.append(Slot(start, end))
        start = minutes.find(1, end)
    return tuple(found)


@cache
def _offset_periods(time_zone: str) -> tuple[tuple[int, int, int], ...]:
    """The periods in which a zone keeps one offset: since, until and offset, in milliseconds.

    They are looked for in steps, which are shorter than any zone has ever kept an offset.
    """
    zone = ZoneInfo(time_zone)
    # A day more at both ends: local days begin up to 14 h before and end up to 12 h after UTC's.
    since = _instant_ms(FIRST_DAY) - 2 * _DAY_MS
    end = _instant_ms(LAST_DAY) + 3 * _DAY_MS
    changes = [(since, _offset_ms(zone, since)), *_changes(zone, since, end)]
    untils = [change for change, _ in changes[1:]]
    return tuple(
        (begin, until, offset)
        for (begin, offset), until in zip(changes, [*untils, end], strict=True)
    )


def _changes(zone: ZoneInfo, since: int, end: int) -> Iterator[tuple[int, int]]:
    """The instants at which the offset changes, with the offset from then on."""
    before = _offset_ms(zone, since)
    for later in range(since + _STEP_MS, end + _STEP_MS, _STEP_MS):
        after = _offset_ms(zone, later)
        if after != before:
            low, high = later - _STEP_MS, later
            while high - low > 1:
                middle = (low + high) // 2
                if _offset_ms(zone, middle) == before:
                    low = middle
                else:
                    high = middle
            yield high, after
            before = after


def _offset_ms(zone: ZoneInfo, instant_ms: int) -> int:
    offset = datetime.fromtimestamp(instant_ms / 1000, zone).utcoffset()
    assert offset is not None
    return offset // timedelta(milliseconds=1)


def _instant_ms(day: date) -> int:
    return (day - _EPOCH).days * _DAY_MS
