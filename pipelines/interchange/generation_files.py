"""The published tables as Parquet files, one a table, for tools that cannot read a DuckDB file.

A folder such as `DIR` then holds `state_visits.parquet` and so on; what their columns mean is in
`metric_catalog.parquet`. Files that are taken in are read by `pipelines/parquet.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.interchange.selection import published_columns, tracked_attributes
from pipelines.interchange.targets import Written
from pipelines.quoting import literal, quoted


@dataclass(frozen=True)
class WrittenTables(Written):
    """What a folder holds, and what was left out: columns (`table.column`), and rows of changes."""

    left_out: tuple[str, ...]
    changes_left_out: int


def write_tables(
    con: duckdb.DuckDBPyConnection, folder: Path, *, with_personal: bool
) -> WrittenTables:
    """Write every published table to `folder`; rows keep their order.

    Without personal data, changes of attributes that hold some are left out too.
    """
    tables = published_columns(con)
    personal = _personal_changes(con)
    query = f"select count(*) from attribute_changes where {personal}"
    ((n_changes,),) = con.execute(query).fetchall()
    rows = 0
    left_out: list[str] = []
    for name, columns in tables.items():
        kept = [column for column in columns if with_personal or not column.is_personal]
        left_out += [f"{name}.{column.name}" for column in columns if column not in kept]
        source = f"select {', '.join(quoted(column.name) for column in kept)} from {quoted(name)}"
        if name == "attribute_changes" and not with_personal:
            source += f" where not ({personal})"
        target = literal(str(folder / f"{name}.parquet"))
        options = "format parquet, compression zstd, use_tmp_file false"
        ((written,),) = con.execute(f"copy ({source}) to {target} ({options})").fetchall()
        rows += written
    counts = {"table": len(tables), "row": rows}
    return WrittenTables(counts, tuple(left_out), 0 if with_personal else n_changes)


def _personal_changes(con: duckdb.DuckDBPyConnection) -> str:
    """The condition of a change of an attribute that holds personal data."""
    pairs = [
        f"(procedure = {literal(tracked.procedure)} and attribute = {literal(tracked.attribute)})"
        for tracked in tracked_attributes(con)
        if tracked.is_personal
    ]
    return " or ".join(pairs) or "false"
