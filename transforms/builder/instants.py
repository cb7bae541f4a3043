"""The instant as at which a warehouse has its history."""

from __future__ import annotations

from datetime import datetime

import duckdb


def latest_as_of(con: duckdb.DuckDBPyConnection, catalog: str) -> datetime | None:
    """The instant as at which history was last built; None before the first build."""
    query = (
        "select count(*) from duckdb_tables() where database_name = $catalog "
        "and schema_name = 'history' and table_name = 'watermarks'"
    )
    if not con.execute(query, {"catalog": catalog}).fetchall()[0][0]:
        return None
    return con.execute(f"select max(as_of) from {catalog}.history.watermarks").fetchall()[0][0]


def move_as_of(con: duckdb.DuckDBPyConnection, catalog: str, as_of: datetime) -> None:
    """Let history tables hold as at a later instant, where no version of anything lies between."""
    con.execute(
        f"""
        update {catalog}.history.watermarks as w set as_of = $as_of
        where w.as_of < $as_of and not exists (
            from raw.process_versions as v where v.updated_at > w.as_of and v.updated_at <= $as_of
        ) and not exists (
            from raw.dimension_rows as r where r.updated_at > w.as_of and r.updated_at <= $as_of
        )
        """,
        {"as_of": as_of},
    )
