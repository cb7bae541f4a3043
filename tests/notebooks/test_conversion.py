"""The notebook `conversion`: its figures are those of the tables, whatever is chosen."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import marimo as mo
import polars as pl
import pytest

from notebooks.parts import filters, layout
from notebooks.parts.funnels import OWN_STATES, Window, funnels_of
from notebooks.parts.published import in_percent, in_words
from tests.support.notebooks import chosen, show


def test_a_funnel_is_that_of_the_tables(data: Path, published: duckdb.DuckDBPyConnection) -> None:
    widgets = chosen(procedure="lead", mode="strict")
    shown = show("conversion", data, **widgets)
    rows = published.sql("""
        select step, processes, share_of_first, median_seconds_from_first, immature
        from funnel_steps where procedure = 'lead' and funnel = 'conversion' and mode = 'strict'
        order by step_no
    """).fetchall()
    assert (
        shown.names["steps"]
        .select("step", "processes", "share_of_first", "median_seconds_from_first", "immature")
        .rows()
        == rows
    )
    step, processes, part, median, immature = rows[-1]
    assert step == "CONVERTED"
    assert immature > 0
    for figure in (f"{processes:,}", in_percent(part), in_words(median)):
        assert figure in shown.text
    assert f"{immature} open processes may still reach CONVERTED: its share can rise" in shown.text
    assert "within 60 d of the first step" in shown.text


def test_a_window_of_the_readers_own_is_counted_by_the_macro(
    data: Path, published: duckdb.DuckDBPyConnection
) -> None:
    defined = funnels_of(published, "lead")["conversion"]
    widgets = chosen(procedure="lead", mode="ordered")
    widgets["window"] = layout.choice({"7 d": defined.windows["7 d"]}, "window")
    assert widgets["window"].value == Window(timedelta(days=7))
    shown = show("conversion", data, **widgets)
    rows = published.sql("""
        select processes from funnel(
            ['NEW', 'CONTACTED', 'QUALIFIED', 'PROPOSAL', 'CONVERTED'],
            procedure := 'lead', within := interval 7 days
        ) order by step_no
    """).fetchall()
    assert shown.names["steps"].select("processes").rows() == rows
    usual = show("conversion", data, **chosen(procedure="lead", mode="ordered"))
    assert usual.names["steps"]["processes"][-1] > rows[-1][0]
    assert "within 7 d of the first step" in shown.text


def test_values_of_a_breakdown_add_up_to_the_funnel(data: Path) -> None:
    widgets = chosen(procedure="lead", mode="ordered")
    shown = show("conversion", data, **widgets)
    broken_down = show("conversion", data, **widgets, breakdown=layout.choice(["source"], "by"))
    values = broken_down.names["values"]
    by_step = values.group_by("step", maintain_order=True).agg(pl.col("processes").sum())
    assert by_step["processes"].to_list() == shown.names["steps"]["processes"][1:].to_list()
    assert "By source" in broken_down.text
    assert "By source" not in shown.text


def test_without_funnels_the_reader_chooses_states(data: Path) -> None:
    shown = show("conversion", data, **chosen(procedure="ticket", mode="ordered"))
    assert shown.names["steps"]["step"].to_list() == ["NEW", "CLOSED"]
    assert "By month of entry" not in shown.text


def test_a_funnel_that_is_more_than_states_keeps_its_window(
    published: duckdb.DuckDBPyConnection,
) -> None:
    """The macro would count something else than the definition says."""
    funnels = funnels_of(published, "lead")
    assert list(funnels) == ["conversion", "in_hand", OWN_STATES]
    assert list(funnels["conversion"].windows)[:3] == ["as defined (60 d)", "no limit", "1 d"]
    assert list(funnels["in_hand"].windows) == ["as defined (14 d)"]
    assert list(funnels[OWN_STATES].windows)[:2] == ["no limit", "1 d"]


def test_days_and_a_value_narrow_the_funnel(
    data: Path, published: duckdb.DuckDBPyConnection
) -> None:
    widgets = chosen(procedure="lead", mode="ordered")
    first, last = filters.days_of(published, "lead")
    assert last == date(2026, 3, 1)
    days = layout.days(first, last, "entered", value=(first, date(2026, 1, 31)))
    column = layout.choice(["source"], "filter by")
    until_february = show(
        "conversion", data, **widgets, days=days, column=layout.choice({"-": None}, "")
    )
    websites = show(
        "conversion", data, **widgets, days=days, column=column, **chosen(value="Website")
    )
    ((everyone, by_website),) = published.sql("""
        select count(distinct process_id), count(distinct process_id) filter (source = 'Website')
        from (
            select v.process_id, p.source from state_visits as v
            inner join lead_processes as p using (process_id)
            where v.procedure = 'lead' and v.state = 'NEW' and v.visit_no = 1
                and p.is_observed_from_start
                and v.entered_at < '2026-02-01'
        )
    """).fetchall()
    assert 0 < by_website < everyone
    assert until_february.names["steps"]["processes"][0] == everyone
    assert websites.names["steps"]["processes"][0] == by_website
    assert f"Only processes that entered from {first} to 2026-01-31. " in until_february.text
    assert " to 2026-01-31 and whose source is Website. " in websites.text


def test_columns_to_filter_by_have_a_few_values(published: duckdb.DuckDBPyConnection) -> None:
    columns = filters.columns_of(published, "lead")
    assert next(iter(columns)) == "nothing"
    assert {"source", "plan", "consent", "pod_name"} <= set(columns)
    assert not {"email_key", "score", "state", "label"} & set(columns)
    assert set(filters.values_of(published, "lead", "consent")) <= {"true", "false", "(no value)"}


@pytest.mark.parametrize("funnel", ["conversion", "in_hand"])
@pytest.mark.parametrize("which", ["reached", "may still reach it"])
def test_behind_a_bar_are_as_many_processes_as_it_is_long(
    data: Path, published: duckdb.DuckDBPyConnection, funnel: str, which: str
) -> None:
    """Also in a funnel with a step of two states, which no macro counts."""
    known = funnels_of(published, "lead")
    widgets = chosen(procedure="lead", mode="ordered")
    widgets |= {
        "known": known,
        "own": known[OWN_STATES].states,
        "funnel": layout.choice({funnel: known[funnel]}, "funnel"),
        "states": mo.ui.multiselect(["NEW"], ["NEW"]),
    }
    step = known[funnel].states[-1]
    shown = show("conversion", data, **widgets, picked={"step": step, "which": which})
    steps, behind = shown.names["steps"], shown.names["behind"]
    (row,) = steps.filter(step=step).rows(named=True)
    length = row["processes" if which == "reached" else "immature"]
    assert behind["n"].unique().to_list() == [length]
    assert len(behind) == length > 0
    assert behind["process"].n_unique() == len(behind)
    assert set(behind["stop_reason"]) == {"open"} or which == "reached"
    assert (step in behind["came_to"].to_list()) == (which == "reached")
    last = steps.row(-1, named=True)
    assert shown.names["times"]["n"].sum() == last["processes"]


def test_months_of_entry_are_those_of_the_tables(
    data: Path, published: duckdb.DuckDBPyConnection
) -> None:
    shown = show("conversion", data, **chosen(procedure="lead", mode="reached"))
    ((last, mature),) = published.sql("""
        select share_of_first, immature = 0 from funnel_cohorts
        where procedure = 'lead' and funnel = 'conversion' and mode = 'reached'
        order by cohort desc, step_no desc limit 1
    """).fetchall()
    text = shown.names["cohorts"]["text"][-1]
    assert text == f"{100 * last:.0f} %" + ("" if mature else " ↑")
    assert not mature
