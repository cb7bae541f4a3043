"""Slots and working days of calendars against the clock on the wall, minute by minute."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from schemas.loading.calendars import check_calendar, load_calendars
from tests.reference.working_time import is_worked, worked_ms, working_days_ms
from transforms.config.working_slots import FIRST_DAY, LAST_DAY, working_days, working_slots

_MINUTE = 60_000
_DAY_MS = 1440 * _MINUTE
_QUICKLY = settings(
    max_examples=40, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
OFFICE = {"weekly": {"workdays": ["09:00-17:00"]}, "breaks": {"daily": ["12:00-12:45"]}}
NIGHTS = {"weekly": {"daily": ["22:00-06:00"]}, "breaks": {"daily": ["02:15-02:45"]}}
ALL_HOURS = {"24x7": True}
# A zone, and the day on which its clocks do something.
CHANGES = (
    ("America/New_York", date(2024, 3, 10)),
    ("America/New_York", date(2024, 11, 3)),
    ("Europe/Berlin", date(2024, 3, 31)),
    ("Europe/Berlin", date(2024, 10, 27)),
    ("Africa/Cairo", date(2024, 4, 26)),  # a Friday
    ("Africa/Cairo", date(2023, 10, 27)),
    ("Australia/Lord_Howe", date(2024, 4, 7)),  # by 30 minutes
    ("Australia/Lord_Howe", date(2024, 10, 6)),
    ("America/Sao_Paulo", date(2018, 2, 18)),
    ("America/Sao_Paulo", date(2018, 11, 4)),  # there is no midnight
    ("Pacific/Apia", date(2011, 12, 30)),  # there is no such day
    ("Asia/Kolkata", date(2024, 1, 1)),
    ("Africa/Casablanca", date(2024, 3, 10)),
    ("America/Boa_Vista", date(2000, 10, 11)),  # summer time for a week
)


def calendar(written: dict[str, Any], timezone: str = "UTC") -> dict[str, Any]:
    return {"name": "tried", "timezone": timezone, **written}


def slots_of(written: dict[str, Any]) -> pl.DataFrame:
    return working_slots(check_calendar(written, file="tried.yaml"))


class Worked:
    """Working time before an instant (ms), as SQL takes it from the slots."""

    def __init__(self, slots: pl.DataFrame) -> None:
        self.starts = slots["starts_at"].dt.epoch("ms").to_list()
        self.ends = slots["ends_at"].dt.epoch("ms").to_list()
        self.before = slots["worked_ms_before"].to_list()

    def __call__(self, instant: int) -> int:
        place = bisect_right(self.starts, instant) - 1
        if place < 0:
            return 0
        return self.before[place] + min(instant, self.ends[place]) - self.starts[place]


def assert_as_on_the_wall(written: dict[str, Any], first: date, days: int) -> None:
    """Every minute of some days of UTC is worked as the clock on the wall says."""
    worked = Worked(slots_of(written))
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    for number in range(days * 1440):
        instant = start + timedelta(minutes=number)
        at = round(instant.timestamp() * 1000)
        expected = _MINUTE if is_worked(written, instant) else 0
        assert worked(at + _MINUTE) - worked(at) == expected, instant.isoformat()


@pytest.mark.parametrize(("zone", "day"), CHANGES)
@pytest.mark.parametrize("hours", [OFFICE, NIGHTS], ids=["office", "nights"])
def test_changes_of_the_clock(hours: dict[str, Any], zone: str, day: date) -> None:
    special = [
        {"date": (day + timedelta(days=1)).isoformat(), "closed": ["01:30-10:00"]},
        {"date": (day - timedelta(days=1)).isoformat(), "open": ["01:00-03:30", "23:00-24:00"]},
    ]
    assert_as_on_the_wall(calendar(hours, zone), day - timedelta(days=3), 6)
    assert_as_on_the_wall(
        calendar({**hours, "holidays": special}, zone), day - timedelta(days=2), 5
    )


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_part_of_the_day_of_the_change_is_a_holiday(zone: str, day: date) -> None:
    for part in ({}, {"closed": ["00:30-02:30"]}, {"open": ["00:00-03:00"]}):
        special = {"holidays": [{"date": day.isoformat(), **part}]}
        written = calendar({"24x7": True, **special}, zone)
        assert_as_on_the_wall(written, day - timedelta(days=1), 3)


def test_literal_slots() -> None:
    written = calendar(
        {
            "weekly": {"workdays": ["09:00-12:00", "11:00-17:00"], "friday": ["22:00-02:00"]},
            "breaks": {"monday": ["12:00-13:00"]},
            "holidays": [
                {"date": "2024-01-02", "closed": ["15:00-24:00"]},
                {"date": "2024-01-06", "open": ["10:00-12:00"]},
                {"date": "01-03"},
                {"date": "02-29", "open": ["00:00-24:00"]},
            ],
        },
        "Europe/Berlin",
    )
    slots = slots_of(written).filter(pl.col("starts_at").dt.year() == 2024)
    found = [
        (f"{row['starts_at']:%m-%d %H:%M}", f"{row['ends_at']:%m-%d %H:%M}")
        for row in slots.head(5).iter_rows(named=True)
    ]
    assert found == [
        ("01-01 08:00", "01-01 11:00"),
        ("01-01 12:00", "01-01 16:00"),
        ("01-02 08:00", "01-02 14:00"),  # closed from 15:00, and all of the 3rd
        ("01-04 08:00", "01-04 16:00"),
        ("01-05 21:00", "01-05 23:00"),  # Friday night ends at midnight: the 6th is special
    ]
    assert slots.filter(pl.col("starts_at").dt.date() == date(2024, 1, 6)).rows()[0][:2] == (
        datetime(2024, 1, 6, 9),
        datetime(2024, 1, 6, 11),
    )
    (leap,) = slots.filter(pl.col("starts_at").dt.date() == date(2024, 2, 28)).rows()[1:]
    assert leap[0] == datetime(2024, 2, 28, 23)


def test_slots_are_apart_and_counted() -> None:
    for written in (OFFICE, NIGHTS, ALL_HOURS):
        for zone in dict(CHANGES):
            slots = slots_of(calendar(written, zone))
            lengths = (slots["ends_at"] - slots["starts_at"]).dt.total_milliseconds()
            assert (lengths > 0).all()
            assert (slots["starts_at"].shift(-1) > slots["ends_at"]).all()
            assert slots["worked_ms_before"].to_list() == (lengths.cum_sum() - lengths).to_list()


@pytest.mark.parametrize("zone", [zone for zone, _ in CHANGES])
def test_every_hour_is_calendar_time(zone: str) -> None:
    slots = slots_of(calendar(ALL_HOURS, zone))
    assert slots.height == 1
    zoned = ZoneInfo(zone)
    bounds = (
        datetime(FIRST_DAY.year, 1, 1, tzinfo=zoned),
        datetime(LAST_DAY.year + 1, 1, 1, tzinfo=zoned),
    )
    assert slots.row(0)[:2] == tuple(b.astimezone(UTC).replace(tzinfo=None) for b in bounds)


def test_the_week_in_which_clocks_change_has_its_usual_hours() -> None:
    """An office that works by day is not touched by what clocks do at night."""
    for zone, day in CHANGES:
        if zone == "Pacific/Apia":
            continue
        worked = Worked(slots_of(calendar({"weekly": {"daily": ["09:00-17:00"]}}, zone)))
        monday = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) - timedelta(days=3)
        ends = (monday, monday + timedelta(days=7))
        before, after = (worked(round(end.timestamp() * 1000)) for end in ends)
        assert after - before == 7 * 8 * 60 * _MINUTE, zone


_times = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
_slots = st.tuples(_times, _times).filter(lambda ends: ends[0] != ends[1]).map("-".join)
_day_slots = _slots.filter(lambda slot: slot[:5] < slot[6:])
_weeks = st.dictionaries(
    st.sampled_from(("daily", "workdays", "monday", "wednesday", "friday", "saturday", "sunday")),
    st.lists(_slots, max_size=3),
    max_size=4,
)
_around = st.integers(-3, 3)


@st.composite
def calendars(draw: st.DrawFn) -> tuple[dict[str, Any], date]:
    """A calendar, and the day on which the clocks of its zone change."""
    zone, day = draw(st.sampled_from(CHANGES))
    offsets = draw(st.lists(_around, max_size=3, unique=True))
    special: list[dict[str, Any]] = []
    for offset in offsets:
        when = (day + timedelta(days=offset)).isoformat()
        part = draw(st.sampled_from((None, "open", "closed")))
        slots = {part: draw(st.lists(_day_slots, max_size=2))} if part else {}
        special.append({"date": draw(st.sampled_from((when, when[5:]))), **slots})
    hours = draw(_weeks.filter(lambda week: any(week.values())))
    written = {"weekly": hours, "breaks": draw(_weeks), "holidays": special}
    return calendar(written, zone), day


@given(drawn=calendars(), places=st.lists(st.integers(-3 * _DAY_MS, 4 * _DAY_MS), min_size=3))
@_QUICKLY
def test_working_time_is_what_the_wall_says_and_adds_up(
    drawn: tuple[dict[str, Any], date], places: list[int]
) -> None:
    written, day = drawn
    worked = Worked(slots_of(written))
    midnight = (day - date(1970, 1, 1)).days * _DAY_MS
    instants = sorted(midnight + place for place in places)
    parts = [worked(b) - worked(a) for a, b in pairwise(instants)]
    for (a, b), found in zip(pairwise(instants), parts, strict=True):
        assert found == worked_ms(written, a, b)
        assert 0 <= found <= b - a
    assert sum(parts) == worked(instants[-1]) - worked(instants[0])


def test_delivered_calendars_are_as_on_the_wall() -> None:
    delivered = load_calendars([])
    assert list(delivered) == ["berlin_office", "new_york_office", "night_support"]
    for name, made in delivered.items():
        written = made.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        assert check_calendar(written, file=name) == made
        for first in (date(2026, 3, 27), date(2026, 12, 23)):
            assert_as_on_the_wall(written, first, 4)


def day_ends(written: dict[str, Any], first: datetime, last: datetime) -> list[tuple[str, int]]:
    """The working days that end in a period: the end, and the hours of the day."""
    days = working_days(check_calendar(written, file="tried.yaml"))
    hours = (pl.col("worked_ms_before").shift(-1) - pl.col("worked_ms_before")) // 3_600_000
    found = days.with_columns(hours.alias("hours")).filter(
        pl.col("ends_at").is_between(first, last)
    )
    return [(str(end)[:16], hours) for end, hours in found.select("ends_at", "hours").iter_rows()]


def test_literal_working_days() -> None:
    """A date without slots is not one; a slot overnight belongs to the day on which it begins."""
    written = calendar(
        {
            "weekly": {"workdays": ["09:00-12:00", "13:00-17:00"], "friday": ["20:00-02:00"]},
            "holidays": [
                {"date": "2024-01-02", "closed": ["15:00-24:00"]},
                {"date": "2024-01-03"},
                {"date": "2024-01-13", "open": ["01:00-05:00"]},
            ],
        },
    )
    assert day_ends(written, datetime(2024, 1, 1), datetime(2024, 1, 14)) == [
        ("2024-01-01 17:00", 7),
        ("2024-01-02 15:00", 5),
        ("2024-01-04 17:00", 7),
        ("2024-01-06 02:00", 6),
        ("2024-01-08 17:00", 7),
        ("2024-01-09 17:00", 7),
        ("2024-01-10 17:00", 7),
        ("2024-01-11 17:00", 7),
        ("2024-01-13 00:00", 4),
        ("2024-01-13 05:00", 4),
    ]


@pytest.mark.parametrize(("zone", "day"), CHANGES)
@pytest.mark.parametrize("hours", [OFFICE, NIGHTS, ALL_HOURS], ids=["office", "nights", "24x7"])
def test_working_days_equal_the_reference(hours: dict[str, Any], zone: str, day: date) -> None:
    """The sum of one to three working days from instants around a change of the clock."""
    written = calendar(
        {**hours, "holidays": [{"date": (day + timedelta(days=2)).isoformat()}]}, zone
    )
    days = working_days(check_calendar(written, file="tried.yaml"))
    ends = days["ends_at"].dt.epoch("ms").to_list()
    before = days["worked_ms_before"].to_list()
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    for hour in range(-40, 41, 8):
        started = round((noon + timedelta(hours=hour, seconds=30)).timestamp() * 1000)
        first = bisect_right(ends, started)
        for count in (1, 3):
            expected = working_days_ms(written, started, count)
            assert before[first + count] - before[first] == expected, (hour, count)
