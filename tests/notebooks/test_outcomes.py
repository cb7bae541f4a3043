"""The notebook `outcomes`: its curves and shares are those of the tables."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.support.notebooks import chosen, show


def test_curves_are_those_of_the_tables(data: Path, published: duckdb.DuckDBPyConnection) -> None:
    shown = show("outcomes", data, **chosen(procedure="lead", outcome="completed"))
    curves = shown.names["curves"]
    for outcome in ("completed", "cancelled"):
        last = curves.filter(line=outcome).select("day", "cumulative_incidence", "upper_95").row(-1)
        assert published.sql(f"""
            select day, cumulative_incidence, upper_95 from outcome_curves
            where procedure = 'lead' and outcome = '{outcome}' and day = {last[0]}
        """).fetchall() == [last]
    ((without, everything),) = published.sql("""
        select count(*) filter (ended_by <> 'outcome'), count(*) from process_outcomes
        where procedure = 'lead'
    """).fetchall()
    assert f"{without:,} of {everything:,} have no outcome yet" in shown.text
    assert "Gray's test" not in shown.text


def test_curves_by_value_come_with_their_test(
    data: Path, published: duckdb.DuckDBPyConnection
) -> None:
    widgets = chosen(procedure="lead", outcome="completed", compared="source")
    shown = show("outcomes", data, **widgets, attributes=["source"])
    ((p_adjusted, n_tests),) = published.sql("""
        select p_adjusted, n_tests from outcome_curve_tests
        where procedure = 'lead' and attribute = 'source' and outcome = 'completed'
    """).fetchall()
    found = "p < 0.001" if p_adjusted < 0.001 else f"p = {p_adjusted:.3f}"
    assert f"{found}, adjusted for {n_tests} comparisons (Holm)." in shown.text


def test_without_funnels_there_are_outcomes(data: Path) -> None:
    shown = show("outcomes", data, **chosen(procedure="ticket", outcome="completed"))
    assert "Outcomes by age" in shown.text
