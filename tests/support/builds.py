"""Whole runs without Dagster, and the comparison of what two of them published."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.publish.files import people_file
from pipelines.run import Request, Run, open_run
from pipelines.settings import Settings

INCIDENTS = Path(__file__).parents[3] / "shared" / "data" / "incidents"

# Numbers of files and runs say how the data came, not what it says.
_OF_THE_RUN = {"ingest_files", "quarantine", "build", "metric_catalog", "catalog"}


def build_all(settings: Settings, request: Request) -> Path:
    """One whole run; the path of the published database."""
    with open_run(settings, request, purpose="a test") as run:
        run.ingest()
        build(run)
        return run.publish().path


def build(run: Run) -> None:
    for name in run.builder.names("history"):
        run.builder.refresh_history(name)
    for layer in ("core", "mart"):
        for name in run.builder.names(layer):
            run.builder.build(layer, name)


def assert_same_tables(left: Path, right: Path) -> None:
    """Both databases hold the same rows, apart from how the files were numbered.

    Keys are compared by the values they stand for where both have those: each data folder has keys
    of its own.
    """
    people = {"here": people_file(left.resolve()), "there": people_file(right.resolve())}
    with duckdb.connect() as con:
        for place, path in (("here", left), ("there", right)):
            con.execute(f"attach '{path}' as {place} (read_only)")
            if all(people.values()):
                con.execute(f"attach '{people[place]}' as people_{place} (read_only)")
        names = con.execute(
            "select table_name from duckdb_tables() where database_name = 'here'"
        ).fetchall()
        for name in sorted({name for (name,) in names} - _OF_THE_RUN):
            here, there = (
                f"({_in_clear(con, place, name, with_values=all(people.values()))})"
                for place in people
            )
            unlike = con.execute(
                f"select count(*) from (({here} except all {there}) "
                f"union all ({there} except all {here}))"
            ).fetchall()
            assert unlike == [(0,)], name


def _in_clear(con: duckdb.DuckDBPyConnection, place: str, table: str, *, with_values: bool) -> str:
    """The rows of a table, with the values of its keys."""
    named = "select column_name from duckdb_columns() where database_name = $place"
    columns = con.execute(
        f"{named} and table_name = $table and data_type = 'VARCHAR'",
        {"place": place, "table": table},
    ).fetchall()
    replaced = ", ".join(
        f'coalesce((select value from people_{place}.keys where key = t."{name}"), t."{name}") '
        f'as "{name}"'
        for (name,) in columns
        if with_values and (name.rstrip("_").endswith("_key") or name.endswith("value"))
    )
    excluded = "exclude (first_seen_at, last_seen_at) " if table == "data_quality" else ""
    in_clear = f"replace ({replaced})" if replaced else ""
    return f'select * {excluded}{in_clear} from {place}."{table}" as t'
