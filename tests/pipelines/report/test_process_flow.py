"""The sections on flow, from literal rows, and the pictures that are drawn of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

import duckdb
import pytest

from pipelines.report import process_flow, svg
from pipelines.report.html import html_report
from pipelines.report.model import AgeRow, Ages, Bands, Dots, Reader, Report
from pipelines.report.process_flow import (
    ages,
    completion_times,
    cumulative_flow,
    drivers,
    forecast,
)

P1, P2, P3, P4 = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3, 4))
TABLES = f"""
    create table build as select timestamp '2026-03-02 12:00' as as_of;
    create table cumulative_flow as
    select * from (values
        ('lead', date '2025-11-01', 'NEW', 1, 99), ('lead', date '2025-11-01', 'DONE', 2, 1),
        ('lead', date '2026-03-01', 'NEW', 1, 5), ('lead', date '2026-03-01', 'DONE', 2, 2),
        ('lead', date '2026-03-02', 'NEW', 1, 9), ('lead', date '2026-03-02', 'DONE', 2, 3),
        ('task', date '2026-03-02', 'NEW', 1, 7)
    ) as v(procedure, day, state, state_rank, arrived_so_far);
    create table states as
    select * from (values ('lead', 'NEW', 1), ('lead', 'DONE', 2))
        as v(procedure, state, state_rank);
    create table state_durations as
    select 'lead' as procedure, 'NEW' as state, 10.0e0 as p50_seconds, 20.0e0 as p75_seconds,
        30.0e0 as p90_seconds, null::double as p95_seconds;
    create table processes as
    select * from (values
        ('{P1}', 'lead', 'NEW', 'open'), ('{P2}', 'lead', 'NEW', 'open'),
        ('{P3}', 'lead', 'DONE', 'completed'), ('{P4}', 'lead', 'NEW', 'open')
    ) as v(process_id, procedure, state, outcome);
    create table process_lifecycle as
    select * from (values
        ('{P1}', 'lead', 40.0e0, null::timestamp, null::double),
        ('{P2}', 'lead', 5.0e0, timestamp '2026-03-01 10:00', 100.0e0),
        ('{P3}', 'lead', 9.0e0, timestamp '2026-02-01 10:00', 200.0e0),
        ('{P4}', 'lead', 5.5e0, timestamp '2025-02-01 10:00', 900.0e0)
    ) as v(process_id, procedure, seconds_in_state, first_completed_at, resolution_seconds);
    create table stalled_processes as select '{P1}' as process_id;
    create table conversion_drivers as
    select * from (values
        ('f', 'lead', 'source', 'a', 10, 0.5e0, 0.25e0, 3.0e0, 1.5e0, 6.0e0, 0.01e0, 0.02e0, false),
        ('f', 'lead', 'source', null, 20, 0.2e0, 0.3e0, 0.5e0, 0.2e0, 1.2e0, 0.5e0, 0.5e0, false),
        ('f', 'lead', 'source', 'few', 2, 1.0e0, 0.3e0, 9.0e0, 0.2e0, 99.0e0, null, null, true),
        ('f', 'task', 'source', 'b', 10, 0.5e0, 0.25e0, 3.0e0, 1.5e0, 6.0e0, 0.01e0, 0.02e0, false)
    ) as v(
        funnel, procedure, attribute, value, processes, share, share_of_others,
        odds_ratio, odds_ratio_low, odds_ratio_high, p_value, p_adjusted, is_small
    );
    create macro forecast(procedure := null) as table
    select * from (values
        (0.85e0, date '2026-03-20', 12, 7, date '2026-04-01', 90),
        (0.5e0, date '2026-03-10', 15, 7, date '2026-04-01', 90)
    ) as v(chance, done_on, closed_by_day, open_processes, by_day, n_days_of_history);
    create macro forecast_held(procedure := null) as table
    select 0.5e0 as chance, 3 as n_held, 4 as n_forecasts;
"""


@pytest.fixture(scope="module")
def read() -> Iterator[Reader]:
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(TABLES)
        yield Reader(con, "lead")


def test_bands_are_what_came_to_a_state_and_no_further(read: Reader) -> None:
    """Of the last state only those since the first day shown; older days are not."""
    assert cumulative_flow(read).picture == Bands(
        "processes by the furthest state",
        (date(2026, 3, 1), date(2026, 3, 2)),
        {"DONE": (0, 1), "NEW": (3, 6)},
    )


def test_dots_are_the_processes_completed_lately(read: Reader) -> None:
    picture = completion_times(read).picture
    assert isinstance(picture, Dots)
    assert picture.points == (
        (datetime(2026, 3, 1, 10), 100.0),
        (datetime(2026, 2, 1, 10), 200.0),
    )
    assert picture.marks == {
        "50 % within 2.5 min": 150.0,
        "85 % within 3.1 min": pytest.approx(185.0),
        "95 % within 3.2 min": pytest.approx(195.0),
    }


def test_of_many_dots_some_are_drawn(read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are spread over all days and ages; lines and counts stay those of all."""
    monkeypatch.setattr(process_flow, "_MOST_DOTS", 1)
    monkeypatch.setattr(process_flow, "_MOST_DOTS_IN_ROW", 2)
    section = completion_times(read)
    assert isinstance(section.picture, Dots)
    assert section.picture.marks["50 % within 2.5 min"] == 150
    assert section.note.startswith("Completed in the latest 91 days: 2, of which 1 are drawn.")
    section = ages(read)
    assert section.rows[0][1] == 3
    assert isinstance(section.picture, Ages)
    assert [seconds for seconds, _ in section.picture.rows[0].points] == [5.0, 40.0]
    assert section.note.endswith("Not all are drawn.")


def test_ages_are_those_of_open_processes(read: Reader) -> None:
    section = ages(read)
    assert section.rows == (("NEW", 3, 5.5, 40.0, 1),)
    points = ((5.0, False), (5.5, False), (40.0, True))
    assert section.picture == Ages(
        "time in the state so far", (AgeRow("NEW", (10.0, 20.0, 30.0), points),)
    )


def test_a_forecast_says_how_often_it_held(read: Reader) -> None:
    section = forecast(read)
    assert section.rows == (
        (0.5, date(2026, 3, 10), 15, "3 of 4"),
        (0.85, date(2026, 3, 20), 12, None),
    )
    assert section.columns[2].title == "closed until 2026-04-01"
    assert "as many as are open now (7)" in section.note
    assert section.columns[0].show(0.85) == "85 %"


def test_drivers_that_rest_on_few_are_left_out(read: Reader) -> None:
    section = drivers(read)
    assert section.rows == (
        ("f", "source: a", 10, 0.5, 0.25, (1.5, 3.0, 6.0), 0.02),
        ("f", "source: (no value)", 20, 0.2, 0.3, (0.2, 0.5, 1.2), 0.5),
    )
    assert section.columns[5].show((1.5, 3.0, 6.0)) == "3.00 (1.50 to 6.00)"


def test_without_rows_there_is_nothing_to_show(read: Reader) -> None:
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(TABLES)
        for table in ("cumulative_flow", "process_lifecycle", "processes", "conversion_drivers"):
            con.execute(f"delete from {table}")
        con.execute("""
            create or replace macro forecast(procedure := null) as table
            select 0.5e0 as chance, null::date as done_on, null::bigint as closed_by_day,
                0 as open_processes, null::date as by_day, 0 as n_days_of_history
        """)
        empty = Reader(con, "lead")
        sections = [make(empty) for make in (cumulative_flow, completion_times, ages, forecast)]
        sections.append(drivers(empty))
    assert not [section for section in sections if section.rows or section.picture]


# Pictures


def numbers(text: str, attribute: str) -> list[float]:
    """The values of an attribute, in their order."""
    return [float(value) for value in re.findall(rf'{attribute}="([-\d.]+)"', text)]


def test_bands_lie_upon_each_other() -> None:
    drawn = svg.bands(Bands("b", (date(2026, 3, 1), date(2026, 3, 2)), {"A": (1, 1), "B": (0, 3)}))
    lower, upper = re.findall(r'points="([^"]+)"', drawn)
    heights = [[float(pair.split(",")[1]) for pair in points.split()] for points in (lower, upper)]
    assert heights[0] == [139.5, 139.5, 176.0, 176.0]
    assert heights[1] == [139.5, 30.0, 139.5, 139.5]
    assert drawn.index("</i>B") < drawn.index("</i>A")
    one_day = svg.bands(Bands("b", (date(2026, 3, 1),), {"A": (0,)}))
    assert "nan" not in one_day


def test_dots_are_placed_by_time_and_duration() -> None:
    points = (
        (datetime(2026, 3, 3), 50.0),
        (datetime(2026, 3, 2), 0.0),
        (datetime(2026, 3, 1), 100.0),
    )
    drawn = svg.dots(Dots("d", points, {"half": 50.0}))
    assert numbers(drawn, "cx") == [472.0, 240.0, 8.0]
    assert numbers(drawn, "cy") == [103.0, 176.0, 30.0]
    assert numbers(drawn, "y1") == [103.0]
    assert numbers(svg.dots(Dots("d", points[:1], {})), "cx") == [8.0]


def test_ages_are_placed_by_square_roots() -> None:
    rows = (AgeRow("A", (25.0,), ((0.0, False), (100.0, True))), AgeRow("B" * 30, (), ()))
    drawn = svg.ages(Ages("a", rows))
    assert numbers(drawn, "cx") == [150.0, 472.0]
    assert numbers(drawn, "width") == [161.0]
    assert re.findall(r'r="2.5"( class="stalled")?/>', drawn) == ["", ' class="stalled"']
    assert "B" * 18 not in drawn


def test_an_interval_is_placed_by_logarithms_with_no_effect_in_the_middle() -> None:
    drawn = svg.interval(0.2, 1.0, 50.0)
    assert numbers(drawn, "x1") == [60.0, 5.0]
    assert numbers(drawn, "x2") == [60.0, 115.0]
    assert numbers(drawn, "cx") == [60.0]
    assert 'aria-label="1.00 (0.20 to 50.00)"' in drawn


def test_pictures_and_intervals_are_on_the_page(read: Reader) -> None:
    sections = (cumulative_flow(read), completion_times(read), ages(read), drivers(read))
    page = html_report([Report("lead", datetime(2026, 3, 2, tzinfo=UTC), "UTC", sections)])
    assert page.count('<figure class="picture">') == 3
    assert page.count('<svg class="interval"') == 2
    assert page.count("<table>") == 2
    assert page.count('<section class="half">') == 3
