"""The notebook `resolution_times`: its durations are those of the tables."""

from __future__ import annotations

from pathlib import Path

import duckdb

from notebooks.parts import layout
from notebooks.parts.published import in_words
from tests.support.notebooks import show


def test_times_are_those_of_the_tables(data: Path, published: duckdb.DuckDBPyConnection) -> None:
    widgets = {
        "procedure": layout.choice(["ticket"], "procedure"),
        "measure": layout.choice({"to the first completion": "resolution"}, "time"),
        "clock": layout.choice({"working time": "business_"}, "in"),
    }
    shown = show("resolution_times", data, **widgets)
    ((n, median),) = published.sql("""
        select n, p50_seconds from duration_stats
        where procedure = 'ticket' and measure = 'business_resolution' and period is null
    """).fetchall()
    ((waiting,),) = published.sql("""
        select count(*) from ticket_processes
        where outcome = 'open' and resolution_seconds is null
    """).fetchall()
    assert shown.names["bins"]["n"].sum() == n
    assert in_words(median) in shown.text
    assert f"{n:,} finished processes. {waiting} open processes not included." in shown.text
    assert shown.names["states"]["state"].to_list()[:2] == ["NEW", "TRIAGE"]
    open_now = published.sql("select count(*) from ticket_processes where outcome = 'open'")
    assert [(shown.names["ageing"]["open_processes"].sum(),)] == open_now.fetchall()
