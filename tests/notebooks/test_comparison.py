"""The notebook `comparison`: both sides are those of the funnel, differences are theirs."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import marimo as mo
import polars as pl
import pytest

from notebooks.parts import comparison, layout
from notebooks.parts.filters import columns_of, halves_of
from notebooks.parts.funnels import OWN_STATES, Window, funnels_of
from tests.support.notebooks import chosen, show

PERIODS = ((date(2025, 9, 1), date(2026, 1, 15)), (date(2026, 1, 16), date(2026, 3, 1)))


def periods(con: duckdb.DuckDBPyConnection, mix: str | None = None) -> dict[str, Any]:
    """The widgets of two periods, in a funnel from NEW to CONVERTED."""
    return chosen(procedure="lead", mode="ordered") | {
        "funnel": layout.choice({OWN_STATES: funnels_of(con, "lead")[OWN_STATES]}, "funnel"),
        "states": mo.ui.multiselect(["NEW", "CONVERTED"], ["NEW", "CONVERTED"]),
        "columns": columns_of(con, "lead"),
        "before": layout.days(*PERIODS[0], "first"),
        "after": layout.days(*PERIODS[1], "second"),
        "compared_by": layout.choice({"two periods": None}, "compare"),
        "mix": layout.choice({str(mix): mix}, "mix"),
        "window": layout.choice({"no limit": Window(None)}, "window"),
    }


def counted(con: duckdb.DuckDBPyConnection, where: str) -> tuple[int, int]:
    """How many leads entered at NEW, and how many of them reached CONVERTED later."""
    return con.sql(f"""
        select count(*), count(*) filter (exists (
            select 1 from state_visits as c
            where c.process_id = n.process_id and c.state = 'CONVERTED'
                and c.visit_no > n.visit_no
        ))
        from (
            select process_id, min(visit_no) as visit_no, min(entered_at) as entered_at
            from state_visits where procedure = 'lead' and state = 'NEW' group by process_id
        ) as n inner join lead_processes as p using (process_id)
        where p.is_observed_from_start and {where}
    """).fetchall()[0]


def test_two_periods_are_counted_each_and_their_difference_is_split(
    data: Path, published: duckdb.DuckDBPyConnection
) -> None:
    shown = show("comparison", data, **periods(published, "source"))
    steps, differences = shown.names["steps"], shown.names["differences"]
    for first, last in PERIODS:
        expected = counted(published, f"n.entered_at::date between '{first}' and '{last}'")
        (one, *_, two) = steps.filter(side=f"{first} to {last}")["processes"]
        assert (one, two) == expected
    shares = [row["share_of_first"] for row in steps.filter(step="CONVERTED").rows(named=True)]
    last = differences.row(-1, named=True)
    assert last["difference"] == pytest.approx(shares[1] - shares[0])
    assert last["from_mix"] + last["from_rate"] == pytest.approx(last["difference"])
    assert "Difference, split by source" in shown.text
    unsplit = show("comparison", data, **periods(published))
    assert "split by" not in unsplit.text


def test_two_values_are_counted_each(data: Path, published: duckdb.DuckDBPyConnection) -> None:
    widgets = periods(published)
    widgets["compared_by"] = layout.choice(["source"], "compare")
    shown = show("comparison", data, **widgets, **chosen(first="Event", second="Website"))
    for value in ("Event", "Website"):
        (one, *_, two) = shown.names["steps"].filter(side=value)["processes"]
        assert (one, two) == counted(published, f"p.source = '{value}'")
    same = show("comparison", data, **widgets, **chosen(first="Event", second="Event"))
    assert "Both sides are the same" in same.text


def test_drivers_are_those_of_the_table(data: Path, published: duckdb.DuckDBPyConnection) -> None:
    shown = show("comparison", data, **chosen(procedure="lead", mode="ordered"))
    rows = published.sql("""
        select attribute, coalesce(value, '(no value)'), processes, converted
        from conversion_drivers where procedure = 'lead' and funnel = 'conversion'
    """).fetchall()
    drivers = shown.names["drivers"]
    assert len(rows) > 4
    found = drivers.select("attribute", "value", "processes", "converted").rows()
    assert sorted(found) == sorted(rows)
    assert "What goes with converting need not be its cause" in shown.text


def test_the_model_ranks_all_values_of_the_funnel_together(
    data: Path, published: duckdb.DuckDBPyConnection
) -> None:
    pytest.importorskip("sklearn")
    shown = show("comparison", data, **chosen(procedure="lead", mode="ordered"))
    model, drivers = shown.names["model"], shown.names["drivers"]
    if isinstance(model, str):
        assert "needs at least 30 of each" in model
        return
    assert model.verdict.split("(")[0] in shown.text
    table = comparison.model_table(model)
    first = drivers.filter(pl.col("attribute") == "source")
    assert sorted(table.filter(attribute="source")["value"]) == sorted(first["value"])
    ratios = dict(drivers.select("row", "odds_ratio").iter_rows())
    for row in table.iter_rows(named=True):
        assert row["odds_ratio_alone"] == ratios[f"{row['attribute']}: {row['value']}"]
    assert model.waiting == drivers.filter(attribute="source")["waiting"].sum()


def test_without_the_extra_the_notebook_says_how_to_install_it(
    data: Path, published: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.model_selection", None)
    shown = show("comparison", data, **chosen(procedure="lead", mode="ordered"))
    assert "leadtime[models]" in shown.text or "needs at least 30" in shown.text


def test_without_funnels_states_are_compared(data: Path) -> None:
    shown = show("comparison", data, **chosen(procedure="ticket", mode="ordered"))
    assert shown.names["steps"]["step"].unique(maintain_order=True).to_list() == ["NEW", "CLOSED"]
    assert "go with converting" not in shown.text


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ((1, 1), (1, 4), (((1, 1), (1, 2)), ((1, 3), (1, 4)))),
        ((1, 1), (1, 5), (((1, 1), (1, 2)), ((1, 3), (1, 5)))),
        ((1, 1), (1, 1), (((1, 1), (1, 1)), ((1, 1), (1, 1)))),
    ],
)
def test_periods_are_halves_of_the_days(first: Any, last: Any, expected: Any) -> None:
    found = halves_of(date(2026, *first), date(2026, *last))
    assert [[(day.month, day.day) for day in period] for period in found] == [
        list(period) for period in expected
    ]
