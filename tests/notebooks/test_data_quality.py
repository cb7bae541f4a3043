"""The notebook `data_quality`: its counts are those of the tables."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl

from tests.support.notebooks import show


def test_quality_is_that_of_the_tables_and_shows_no_text(data: Path) -> None:
    shown = show("data_quality", data)
    files = shown.names["files"]
    parts = files.select(pl.sum_horizontal("accepted", "duplicates", "quarantined", "blank"))
    assert parts.to_series().to_list() == files["lines"].to_list()
    assert shown.names["n_rejected"] == files["quarantined"].sum() > 0
    assert f"{files['accepted'].sum():,}" in shown.text
    with duckdb.connect(data / "warehouse.duckdb", read_only=True) as con:
        texts = con.sql("select raw_text from raw.quarantine").fetchall()
    frames = [value for value in shown.names.values() if isinstance(value, pl.DataFrame)]
    everything = shown.text + "".join(frame.write_json() for frame in frames)
    assert len(texts) == shown.names["n_rejected"]
    assert not [text for (text,) in texts if len(text) > 20 and text[:20] in everything]
