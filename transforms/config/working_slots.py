"""Turns calendars into slots and working days between instants, from 2000 to 2060.

Slots are computed in local time and then converted to instants through the periods in which the
time zone keeps one offset from UTC: a skipped hour is in none of them, a repeated hour in two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import polars as pl

from schemas.definitions.calendar import MINUTES_PER_DAY, Calendar, Holiday, Slot

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2060, 12, 31)
"""The first and last local day with slots. Records from before 2000 are rejected."""

_EPOCH = date(1970, 1, 1)
_DAY_MS = 24 * 3600 * 1000
_MINUTE_MS = 60 * 1000
_STEP_MS = 3 * _DAY_MS  # America/Boa_Vista had summer time for only 7 days in 2000
_WHOLE_DAY = (Slot(0, MINUTES_PER_DAY),)
_DaySlot = tuple[int, int, int]
"""Start and end of a slot in minutes of its date, and how many days earlier its working day is."""


@cache
def working_slots(calendar: Calendar) -> pl.DataFrame:
    """The slots of a calendar in order: they neither touch nor overlap, and none is empty.

    Grain: one row per slot `[starts_at, ends_at)`, instants in UTC; `worked_ms_before` is the sum
    of the slots before it. Takes some hundredths of a second, once per calendar.
    """
    slots = _slots_of_days(calendar)
    # Slots that touch, for example at midnight, become one.
    starts = slots["start"].filter(slots["start"] != slots["end"].shift(fill_value=-1))
    ends = slots["end"].filter(slots["end"] != slots["start"].shift(-1, fill_value=-1))
    worked = ends - starts
    return pl.DataFrame(
        {
            "starts_at": starts.cast(pl.Datetime("ms")).cast(pl.Datetime("us")),
            "ends_at": ends.cast(pl.Datetime("ms")).cast(pl.Datetime("us")),
            "worked_ms_before": worked.cum_sum() - worked,
        }
    )


@cache
def working_days(calendar: Calendar) -> pl.DataFrame:
    """The working days of a calendar in order: the local days on which at least one slot begins.

    Grain: one row per working day; `ends_at` (UTC) is the end of its last slot, `worked_ms_before`
    the working time before its first one. A slot that runs overnight belongs to the day on which it
    begins. `day_no` counts from 1.
    """
    worked = pl.col("end") - pl.col("start")
    return (
        _slots_of_days(calendar)
        .with_columns((worked.cum_sum() - worked).alias("worked_ms_before"))
        .group_by("day", maintain_order=True)
        .agg(
            pl.last("end").cast(pl.Datetime("ms")).cast(pl.Datetime("us")).alias("ends_at"),
            pl.first("worked_ms_before"),
        )
        .select(
            pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("day_no"),
            "ends_at",
            "worked_ms_before",
        )
    )


@cache
def _slots_of_days(calendar: Calendar) -> pl.DataFrame:
    """Slots `[start, end)` in epoch milliseconds with the working day they belong to.

    Grain: one row per slot, in order; slots of two days may touch.
    """
    local = _local_slots(calendar)
    periods = pl.DataFrame(
        _offset_periods(calendar.timezone), schema=["since", "until", "offset"], orient="row"
    )
    # Slots are in order, so those of a period are a range of them. Two periods share some where an
    # hour is repeated; those of a skipped hour are in none.
    first = local["end"].search_sorted(periods["since"] + periods["offset"], side="right")
    last = local["start"].search_sorted(periods["until"] + periods["offset"], side="left")
    placed = (
        periods.with_columns(
            pl.int_ranges(first.cast(pl.Int64), last.cast(pl.Int64)).alias("place")
        )
        .filter(pl.col("place").list.len() > 0)
        .explode("place")
    )
    start, end = (
        local[name].gather(placed["place"]) - placed["offset"] for name in ("start", "end")
    )
    return placed.select(
        pl.max_horizontal(start, "since").alias("start"),
        pl.min_horizontal(end, "until").alias("end"),
        # Where the clock goes back over midnight, the repeated minutes belong to the later day.
        local["day"].gather(placed["place"]).cum_max().alias("day"),
    )


def _local_slots(calendar: Calendar) -> pl.DataFrame:
    """The slots of every local day in milliseconds of local time, as if it were UTC.

    Grain: one row per date and slot, in order; an overnight slot is two, one on each date. `day` is
    the working day: the date on which the slot begins.
    """
    dates = pl.DataFrame({"date": pl.date_range(FIRST_DAY, LAST_DAY, eager=True)})
    usual = {weekday: _usual_slots(calendar, weekday) for weekday in range(7)}
    carried = {weekday: _carried_until(calendar, weekday) for weekday in range(7)}
    weekday = pl.col("date").dt.weekday() - 1
    special: dict[date, tuple[_DaySlot, ...]] = {}
    for holiday in sorted(calendar.holidays, key=lambda holiday: len(holiday.date)):
        for day in _dates_of(holiday):
            until = 0 if holiday.open is not None else carried[day.weekday()]
            special[day] = _split(_on_holiday(usual[day.weekday()], holiday), until)
    closed = pl.DataFrame({"date": list(special)}, schema={"date": pl.Date})
    on_holidays = [(day, *slot) for day, slots in special.items() for slot in slots]
    week = [(day, *slot) for day in range(7) for slot in _split(usual[day], carried[day])]
    slots = pl.concat(
        [
            dates.join(closed, on="date", how="anti")
            .with_columns(weekday.alias("weekday"))
            .join(_minutes(week, "weekday", pl.Int8), on="weekday")
            .drop("weekday"),
            _minutes(on_holidays, "date", pl.Date),
        ]
    ).sort("date", "start")
    midnight = slots["date"].cast(pl.Datetime("ms")).cast(pl.Int64)
    return slots.select(
        *((midnight + pl.col(name) * _MINUTE_MS).alias(name) for name in ("start", "end")),
        (pl.col("date") - pl.duration(days=pl.col("days_before"))).alias("day"),
    )


def _minutes(
    slots: Sequence[tuple[int, int, int, int]] | Sequence[tuple[date, int, int, int]],
    key: str,
    kind: type[pl.DataType],
) -> pl.DataFrame:
    schema = {key: kind, "start": pl.Int64, "end": pl.Int64, "days_before": pl.Int64}
    return pl.DataFrame(slots, schema=schema, orient="row")


def _dates_of(holiday: Holiday) -> Iterator[date]:
    """The date of a holiday, or that of every year which has it."""
    if holiday.is_yearly:
        for year in range(FIRST_DAY.year, LAST_DAY.year + 1):
            with suppress(ValueError):  # 29 February
                yield date.fromisoformat(f"{year}-{holiday.date}")
    else:
        yield date.fromisoformat(holiday.date)


def _usual_slots(calendar: Calendar, weekday: int) -> tuple[Slot, ...]:
    """The slots on a weekday without a holiday, including what the day before carries over."""
    worked = _within(calendar.slots(weekday), calendar.slots((weekday - 1) % 7))
    breaks = calendar.breaks
    return _without(worked, _within(breaks.slots(weekday), breaks.slots((weekday - 1) % 7)))


def _carried_until(calendar: Calendar, weekday: int) -> int:
    """The minute of a weekday until which slots of the day before run on; 0 if none does."""
    ends = (slot.end - MINUTES_PER_DAY for slot in calendar.slots((weekday - 1) % 7))
    return max([0, *ends])


def _split(slots: Iterable[Slot], carried_until: int) -> tuple[_DaySlot, ...]:
    """The slots of a date, divided between the working day before (1 day back) and its own (0)."""
    cut = [
        (max(slot.start, begin), min(slot.end, end), days_before)
        for slot in slots
        for begin, end, days_before in (
            (0, carried_until, 1),
            (carried_until, MINUTES_PER_DAY, 0),
        )
    ]
    return tuple(slot for slot in cut if slot[0] < slot[1])


def _within(today: Iterable[Slot], yesterday: Iterable[Slot]) -> list[Slot]:
    over = [Slot(0, slot.end - MINUTES_PER_DAY) for slot in yesterday]
    cut = [Slot(slot.start, min(slot.end, MINUTES_PER_DAY)) for slot in today]
    return [slot for slot in (*over, *cut) if slot.end > slot.start]


def _on_holiday(usual: Sequence[Slot], holiday: Holiday) -> tuple[Slot, ...]:
    if holiday.open is not None:
        return _without(holiday.open, ())
    return _without(usual, _WHOLE_DAY if holiday.closed is None else holiday.closed)


def _without(slots: Iterable[Slot], taken: Iterable[Slot]) -> tuple[Slot, ...]:
    """The minutes in `slots` and not in `taken`, as slots that neither touch nor overlap."""
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

    The search goes in steps shorter than any period in which a zone has kept one offset.
    """
    zone = ZoneInfo(time_zone)
    # One more day at both ends: local days begin up to 14 h before and end up to 12 h after UTC's.
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
