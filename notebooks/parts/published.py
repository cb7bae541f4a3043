"""The published database as the notebooks read it: one connection, frames, and words for numbers.

What the tables mean is in `schemas/catalogue.py`; how they look is in `layout.py` and `charts.py`.
"""

import os
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl

# Up to this many of a unit the next larger one says less.
_UNITS = ((90, 1, "s"), (90 * 60, 60, "min"), (36 * 3600, 3600, "h"))
_DAY = 86400
_BIN_SECONDS = [1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 21600, 43200]
_BIN_SECONDS += [days * _DAY for days in (1, 2, 4, 7, 14, 28)]
_BINS = 40
_TWO_DIGITS = 10


def published_file() -> Path:
    """Where the pointer to the newest generation is: `LEADTIME_DATA` (`data`)."""
    return Path(os.environ.get("LEADTIME_DATA") or "data") / "analytics.duckdb"


def connect() -> duckdb.DuckDBPyConnection | None:
    """The newest generation, read-only, or None when nothing has been published.

    It stays the same for as long as the connection is held; SQL can reach no file but this one.
    """
    file = published_file()
    if not file.exists():
        return None
    # The pointer may move to the next generation at any time: follow it once.
    return duckdb.connect(
        file.resolve(),
        read_only=True,
        config={"enable_external_access": "false", "python_enable_replacements": "false"},
    )


def ask(con: duckdb.DuckDBPyConnection, query: str, **values: object) -> pl.DataFrame:
    """The rows of one query; `$name` in it stands for the value of that name."""
    used = {name: value for name, value in values.items() if f"${name}" in query}
    return con.sql(query, params=used).pl()


def bins(con: duckdb.DuckDBPyConnection, query: str, **values: object) -> pl.DataFrame:
    """Counts (`n`) of the column `seconds` of a query by equal bins `from_seconds`, `to_seconds`.

    The bins reach to about the 95th percentile; the last one, whose end is null, has the rest.
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
    """The shortIds of the procedures that are defined; those with most processes first."""
    return ask(
        con,
        """
        select s.procedure from (select distinct procedure from states) as s
        left join processes as p using (procedure)
        group by s.procedure order by count(p.process_id) desc, s.procedure
        """,
    )["procedure"].to_list()


def as_of(con: duckdb.DuckDBPyConnection) -> datetime:
    """The instant (UTC) that running things are counted up to."""
    return ask(con, "select as_of from build").item()


def as_of_line(con: duckdb.DuckDBPyConnection) -> str:
    """Which generation this is, and the instant that running things are counted up to."""
    ((at, time_zone, generation),) = ask(
        con, "select as_of, time_zone, generation from build"
    ).rows()
    return f"As of {at:%Y-%m-%d %H:%M} UTC; months in {time_zone}. Generation {generation}."


def counted(number: float | Decimal, noun: str, *, several: str = "") -> str:
    """A number with its noun: `1 lead`, `1,204 leads`."""
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def in_words(seconds: float | None) -> str:
    """Seconds in the unit a person would use, as the command prints them: `42 s`, `3.4 d`."""
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
