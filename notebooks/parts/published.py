"""The connection to the published database, queries as frames, and formatted numbers."""

import os
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl

# Below this many seconds, in which unit (its seconds and name).
_UNITS = ((90, 1, "s"), (90 * 60, 60, "min"), (36 * 3600, 3600, "h"))
_DAY = 86400
_BIN_SECONDS = [1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 21600, 43200]
_BIN_SECONDS += [days * _DAY for days in (1, 2, 4, 7, 14, 28)]
_BINS = 40
_TWO_DIGITS = 10


def published_file() -> Path:
    """The link to the newest generation, in the folder `LEADTIME_DATA` (default `data`)."""
    return Path(os.environ.get("LEADTIME_DATA") or "data") / "analytics.duckdb"


def connect() -> duckdb.DuckDBPyConnection | None:
    """A read-only connection to the newest generation, or None if nothing has been published.

    The connection keeps its generation when another is published; SQL cannot access other files.
    Personal values are the database `people` if this user may read them (`people.duckdb`).
    """
    file = published_file()
    if not file.exists():
        return None
    # The link may change to the next generation at any time: resolve it once.
    con = duckdb.connect(
        file.resolve(), read_only=True, config={"python_enable_replacements": "false"}
    )
    people = file.with_name("people.duckdb")
    # Connections of one process to one file share what is attached.
    if os.access(people, os.R_OK) and not _has_people(con):
        path = str(people.resolve()).replace("'", "''")
        con.execute(f"attach '{path}' as people (read_only)")
    con.execute("set enable_external_access = false")
    return con


def user_names(con: duckdb.DuckDBPyConnection) -> str:
    """The relation with the `name` of each `user_id`: null where names may not be read."""
    return "people.users" if _has_people(con) else "(select user_id, null as name from users)"


def _has_people(con: duckdb.DuckDBPyConnection) -> bool:
    query = "select count(*) from duckdb_databases() where database_name = 'people'"
    return con.execute(query).fetchall() != [(0,)]


def ask(con: duckdb.DuckDBPyConnection, query: str, **values: object) -> pl.DataFrame:
    """The rows of one query; `$name` in it is replaced by the value of that name."""
    used = {name: value for name, value in values.items() if f"${name}" in query}
    return con.sql(query, params=used).pl()


def bins(con: duckdb.DuckDBPyConnection, query: str, **values: object) -> pl.DataFrame:
    """Counts (`n`) of the column `seconds` of a query by equal bins `from_seconds`, `to_seconds`.

    The bins reach to about the 95th percentile; the last one, whose end is null, holds the rest.
    """
    return ask(
        con,
        f"""
        with given as ({query}),
        widths as (
            select coalesce(
                list_min(
                    list_filter($widths, lambda w: w >= quantile_cont(seconds, 0.95) / $n_bins)
                ),
                list_max($widths)
            ) as width
            from given
        ),
        placed as (
            select least(floor(g.seconds / b.width), $n_bins) as bin_no, b.width
            from given as g cross join widths as b
            where g.seconds is not null
        )
        select
            bin_no * width as from_seconds,
            case when bin_no < $n_bins then (bin_no + 1) * width end as to_seconds,
            count(*) as n
        from placed group by bin_no, width order by bin_no
        """,
        widths=_BIN_SECONDS,
        n_bins=_BINS,
        **values,
    )


def procedures_of(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The shortIds of all defined procedures, by number of processes."""
    return ask(
        con,
        """
        select s.procedure from (select distinct procedure from states) as s
        left join processes as p using (procedure)
        group by s.procedure order by count(p.process_id) desc, s.procedure
        """,
    )["procedure"].to_list()


def as_of(con: duckdb.DuckDBPyConnection) -> datetime:
    """The instant (UTC) of the build, at which open intervals end."""
    return ask(con, "select as_of from build").item()


def as_of_line(con: duckdb.DuckDBPyConnection) -> str:
    """A line with the instant, time zone and number of the generation."""
    ((at, time_zone, generation),) = ask(
        con, "select as_of, time_zone, generation from build"
    ).rows()
    return f"As of {at:%Y-%m-%d %H:%M} UTC; months in {time_zone}. Generation {generation}."


def counted(number: float | Decimal, noun: str, *, several: str = "") -> str:
    """A number with its noun: `1 lead`, `1,204 leads`."""
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def in_words(seconds: float | None) -> str:
    """Seconds in a readable unit, as the command line prints them: `42 s`, `3.4 d`."""
    if seconds is None:
        return "-"
    for below, size, unit in _UNITS:
        if abs(seconds) < below:
            return f"{_short(seconds / size)} {unit}"
    return f"{_short(seconds / _DAY)} d"


def in_percent(share: float | None) -> str:
    """0.123 -> `12.3 %`."""
    return "-" if share is None else f"{share:.1%}".replace("%", " %")


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _TWO_DIGITS or value == int(value) else f"{value:.1f}"
