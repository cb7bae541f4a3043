"""The parts of a report: sections with columns, rows, notes and trends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import duckdb

from pipelines.terminal.text import count

_HALF_WIDTH = 0.5


@dataclass(frozen=True)
class Column:
    """A column of a section; `show` formats a value, `is_bar` draws a share 0..1, also with its
    limits (low, share, high), and `is_interval` a ratio with its limits.
    """

    title: str
    show: Callable[[Any], str] = str
    is_number: bool = False
    is_bar: bool = False
    is_interval: bool = False


@dataclass(frozen=True)
class Linked:
    """A text in a cell with the address it leads to, if any; shown as the text alone elsewhere."""

    text: str
    address: str | None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Trend:
    """A line over days, oldest first; `title` says what is counted."""

    title: str
    points: tuple[tuple[date, float], ...]


@dataclass(frozen=True)
class Bands:
    """Counts by day, upon each other: from the lowest to the highest band, by name."""

    title: str
    days: tuple[date, ...]
    values: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Dots:
    """Durations in seconds by instant, latest first, with durations to mark by label."""

    title: str
    points: tuple[tuple[datetime, float], ...]
    marks: dict[str, float]


@dataclass(frozen=True)
class AgeRow:
    """The open processes in a state: seconds in it and whether stalled, shortest first.

    `limits` are the percentiles of finished visits, in seconds.
    """

    state: str
    limits: tuple[float, ...]
    points: tuple[tuple[float, bool], ...]


@dataclass(frozen=True)
class Ages:
    """The open processes by state."""

    title: str
    rows: tuple[AgeRow, ...]


@dataclass(frozen=True)
class Section:
    """A table of the report, a picture, or both; `note` says what is left out, or how to read it.

    A picture is only on pages; there, a section that `is_half` is printed beside another one, and
    the table of one that `is_small` is pale: its figures rest on too few processes to say much.
    `n_brief` rows are in a brief report (0: none). A summary has only the sections that are
    `is_central`.
    """

    title: str
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    note: str = ""
    trend: Trend | None = None
    picture: Bands | Dots | Ages | None = None
    n_brief: int = 0
    is_central: bool = False
    is_half: bool = False
    is_small: bool = False


@dataclass(frozen=True)
class Report:
    """The report on one procedure as of an instant (UTC)."""

    procedure: str
    as_of: datetime
    time_zone: str
    sections: tuple[Section, ...]

    def in_brief(self) -> "Report":
        """The report with only the most important rows."""
        sections = [replace(s, rows=s.rows[: s.n_brief]) for s in self.sections if s.n_brief]
        return replace(self, sections=tuple(sections))

    def summary(self) -> "Report":
        """The funnels and durations only."""
        brief = self.in_brief()
        return replace(brief, sections=tuple(s for s in brief.sections if s.is_central))


class Reader:
    """Runs queries in which `$procedure` is the one the report is about."""

    def __init__(self, con: duckdb.DuckDBPyConnection, procedure: str) -> None:
        self._con = con
        self.procedure = procedure

    def __call__(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        given = {"procedure": self.procedure, **values}
        used = {name: value for name, value in given.items() if f"${name}" in query}
        return self._con.execute(query, used).fetchall()

    @property
    def has_names(self) -> bool:
        """Whether the names of users can be read: the database `people` is attached."""
        query = "select count(*) from duckdb_databases() where database_name = 'people'"
        return bool(self(query)[0][0])


def number_column(title: str) -> Column:
    return Column(title, count, is_number=True)


def low_and_high(points: Sequence[tuple[date, float]]) -> tuple[float, float]:
    """The least and the greatest value of a trend, apart even where all are equal."""
    values = [value for _, value in points]
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - _HALF_WIDTH, high + _HALF_WIDTH)
