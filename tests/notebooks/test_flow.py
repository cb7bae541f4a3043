"""The notebook `flow`: its bands, dots and forecasts are those of the tables."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from statistics import quantiles

import duckdb
import polars as pl
import pytest

from notebooks.parts import layout
from notebooks.parts.filters import days_of
from tests.support.notebooks import Shown, chosen, show


@pytest.fixture(scope="module")
def leads(data: Path) -> Shown:
    """The notebook on leads, as it opens."""
    return show("flow", data, **chosen(procedure="lead"))


def test_bands_add_up_to_those_that_came(
    leads: Shown, published: duckdb.DuckDBPyConnection
) -> None:
    bands = leads.names["bands"]
    last = bands["day"].max()
    rows = published.sql(f"""
        select state, arrived_so_far from cumulative_flow
        where procedure = 'lead' and day = '{last}' order by state_rank desc
    """).fetchall()
    assert last == date(2026, 3, 1)
    at_end = bands.filter(day=last).select("state", pl.col("n").cum_sum()).rows()
    assert at_end == rows
    assert bands["n"].min() >= 0


def test_later_days_leave_out_what_was_at_the_end_before(
    data: Path, published: duckdb.DuckDBPyConnection
) -> None:
    first, last = days_of(published, "lead")
    days = layout.days(first, last, "days", value=(date(2026, 2, 1), last))
    column = layout.choice({"nothing": None}, "filter by")
    shown = show("flow", data, **chosen(procedure="lead"), days=days, column=column)
    bands, weeks = shown.names["bands"], shown.names["weeks"]
    assert bands["day"].min() == date(2026, 2, 1)
    assert bands.filter(day=date(2026, 2, 1))["n"][0] == 0
    assert weeks["week"].unique().sort().to_list() == [date(2026, 2, day) for day in (2, 9, 16)]
    open_at_end = published.sql("""
        select open_at_end from flow_weekly
        where procedure = 'lead' and week between '2026-02-02' and '2026-02-16' order by week
    """).fetchall()
    assert weeks.filter(line="open at the end").select("n").rows() == open_at_end
    ended = published.sql("""
        select count(*) from process_lifecycle where procedure = 'lead'
            and first_completed_at >= '2026-02-01' and resolution_seconds is not null
    """).fetchall()
    assert shown.names["cycles"].select("n").unique().rows() == ended
    assert "Only processes that were completed from 2026-02-01 to 2026-03-01." in shown.text


def test_dots_are_the_open_processes_and_red_the_stalled_ones(
    leads: Shown, published: duckdb.DuckDBPyConnection
) -> None:
    ages = leads.names["ages"]
    open_now, stalled = (
        published.sql(query).fetchall()
        for query in (
            "select count(*) from lead_processes where outcome = 'open'",
            "select count(*) from stalled_processes where procedure = 'lead'",
        )
    )
    assert [(len(ages),)] == open_now == ages.select("n").unique().rows()
    assert [(ages["is_stalled"].sum(),)] == stalled
    assert f"stalled ({stalled[0][0]})" in leads.text
    limits = leads.names["limits"].select("state", "p50_seconds", "p95_seconds").rows()
    assert (
        limits
        == published.sql("""
        select state, p50_seconds, p95_seconds from state_durations
        where procedure = 'lead' order by state_rank
    """).fetchall()
    )


def test_a_value_narrows_the_dots(data: Path, published: duckdb.DuckDBPyConnection) -> None:
    days = layout.days(*days_of(published, "lead"), "days")
    column = layout.choice(["source"], "filter by")
    widgets = chosen(procedure="lead", value="Website") | {"days": days, "column": column}
    shown = show("flow", data, **widgets)
    ((open_now, completed),) = published.sql("""
        select count(*) filter (outcome = 'open'),
            count(*) filter (resolution_seconds is not null)
        from lead_processes where source = 'Website'
    """).fetchall()
    assert (len(shown.names["ages"]), len(shown.names["cycles"])) == (open_now, completed)
    assert "Only processes whose source is Website." in shown.text


def test_lines_are_percentiles_of_the_times_to_completion(
    leads: Shown, published: duckdb.DuckDBPyConnection
) -> None:
    cycles = leads.names["cycles"]
    expected = quantiles(cycles["resolution_seconds"], n=100, method="inclusive")
    assert cycles["percentiles"][0].to_list() == pytest.approx([expected[i] for i in (49, 84, 94)])
    assert published.sql("""
        select n, p50_seconds, p95_seconds from duration_stats
        where procedure = 'lead' and measure = 'resolution' and period is null
    """).fetchall() == [(len(cycles), *(pytest.approx(expected[i]) for i in (49, 94)))]


def test_a_forecast_is_that_of_the_macros(
    data: Path, leads: Shown, published: duckdb.DuckDBPyConnection
) -> None:
    shown = show("flow", data, **chosen(procedure="lead"), ahead=layout.choice({"7 d": 7}, "ahead"))
    columns = ("chance", "closed_by_day", "n_held", "n_forecasts")
    for each, ahead in ((shown, 7), (leads, 30)):
        rows = published.sql(f"""
            select chance, closed_by_day, n_held, n_forecasts
            from forecast(procedure := 'lead', ahead := {ahead})
            left join forecast_held(procedure := 'lead', ahead := {ahead}) using (chance)
            order by chance
        """).fetchall()
        assert each.names["forecast"].select(columns).rows() == rows
    assert "Closed by 2026-03-08" in shown.text
    assert "Closed by 2026-03-31" in leads.text
