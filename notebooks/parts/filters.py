"""Which processes count: those of some days, or with one value of a column."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

from notebooks.parts.published import ask

NO_VALUE = "(no value)"
_TYPES = ("VARCHAR", "BOOLEAN", "BIGINT", "INTEGER")
_MAX_VALUES = 40
_MAX_NUMBERS = 12


@dataclass(frozen=True)
class Filter:
    """Processes that entered on these local days (None: no limit), with this value of a column.

    Without a column all values count.
    """

    first_day: date | None = None
    last_day: date | None = None
    column: str | None = None
    value: str | None = None

    @property
    def is_everything(self) -> bool:
        """Whether no process is left out."""
        return self == EVERYTHING

    @property
    def words(self) -> str:
        """The conditions in a sentence, or nothing."""
        return self.words_on("entered")

    def words_on(self, event: str) -> str:
        """The conditions in a sentence, in which days are those of an event (`were completed`)."""
        days = f" that {event} from {self.first_day} to {self.last_day}" if self.first_day else ""
        value = f" whose {self.column} is {self.value or NO_VALUE}" if self.column else ""
        both = " and".join(filter(None, (days, value)))
        return f"Only processes{both}. " if both else ""


EVERYTHING = Filter()


def filter_of(days: Any, column: str | None, value: str | None) -> Filter:
    """The filter that is set with a widget for days and lists of columns and values."""
    chosen = tuple(days.value)
    limits = (None, None) if chosen == (days.start, days.stop) else chosen
    return Filter(*limits, *((column, value) if column else ()))


def columns_of(con: duckdb.DuckDBPyConnection, procedure: str) -> dict[str, str | None]:
    """The attributes and names of a procedure's processes that have 2 to 40 values, and nothing."""
    known = ask(
        con,
        """
        select m.column_name as name, m.data_type as type from metric_catalog as m
        where m.table_name = $table_name and list_contains($types, m.data_type)
            and not regexp_matches(m.column_name, '_(key|supplied)$')
            and (m.column_name = 'landing_source' or m.column_name not in (
                select column_name from metric_catalog
                where table_name in ('processes', 'process_lifecycle', 'process_contacts')
            ))
        order by m.column_name
        """,
        table_name=_table(procedure),
        types=_TYPES,
    )
    names = known["name"].to_list()
    if not names:
        return {"nothing": None}
    counts = ", ".join(f"count(distinct {_quoted(name)}) as {_quoted(name)}" for name in names)
    numbers = ask(con, f"select {counts} from {_quoted(_table(procedure))}").row(0, named=True)
    return {"nothing": None} | {
        name: name
        for name, kind in known.rows()
        if 1 < numbers[name] <= (_MAX_NUMBERS if "INT" in kind else _MAX_VALUES)
    }


def values_of(
    con: duckdb.DuckDBPyConnection, procedure: str, column: str | None
) -> dict[str, str | None]:
    """The values of a column as text by label, most frequent first; without a column, a dash."""
    if column is None:
        return {"-": None}
    query = f"""
        select {_quoted(column)}::varchar as value from {_quoted(_table(procedure))}
        group by 1 order by count(*) desc, 1
    """
    return {value or NO_VALUE: value for value in ask(con, query)["value"]}


def with_value(procedure: str, only: Filter) -> str:
    """The relation of a procedure's processes with the value (`$value`) of a filter's column."""
    if only.column is None:
        return "(from processes where procedure = $procedure)"
    held = f"{_quoted(only.column)}::varchar is not distinct from $value"
    return f"(from {_quoted(_table(procedure))} where {held})"


def days_of(con: duckdb.DuckDBPyConnection, procedure: str) -> tuple[date, date]:
    """The first and the last local day of a procedure's data; without any, those of the build."""
    query = """
        select coalesce(min(f.day), min(b.as_of::date)), coalesce(max(f.day), min(b.as_of::date))
        from build as b left join flow_daily as f on f.procedure = $procedure
    """
    return ask(con, query, procedure=procedure).row(0)


def halves_of(first: date, last: date) -> tuple[tuple[date, date], tuple[date, date]]:
    """The first and the second half of some days; the second has the odd one."""
    if first >= last:
        return (last, last), (last, last)
    middle = first + timedelta(days=((last - first).days + 1) // 2)
    return (first, middle - timedelta(days=1)), (middle, last)


def _table(procedure: str) -> str:
    return f"{procedure.lower()}_processes"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
