"""What a report is made of: sections with columns, rows, notes and trends.

What they say is in the other modules here; how they look in `terminal.py` and `html.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import duckdb

from pipelines.show import count

_HALF_WIDTH = 0.5


@dataclass(frozen=True)
class Column:
    """A column of a section; `show` makes text of a value, `is_bar` draws a share 0..1."""

    title: str
    show: Callable[[Any], str] = str
    is_number: bool = False
    is_bar: bool = False


@dataclass(frozen=True)
class Trend:
    """A line over days, oldest first; `title` says what is counted."""

    title: str
    points: tuple[tuple[date, float], ...]


@dataclass(frozen=True)
class Section:
    """One question and its answer; `note` says what is left out, or how to read it.

    `brief` is how many rows a brief report has of it; 0 leaves it out. The sections that are
    `is_central` are all there is of a report in a nutshell.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""
    trend: Trend | None = None
    brief: int = 0
    is_central: bool = False


@dataclass(frozen=True)
class Report:
    """The report on one procedure as at an instant (UTC)."""

    procedure: str
    as_of: datetime
    time_zone: str
    sections: tuple[Section, ...]

    def in_brief(self) -> "Report":
        """The few rows that say most."""
        sections = [replace(s, rows=s.rows[: s.brief]) for s in self.sections if s.brief]
        return replace(self, sections=tuple(sections))

    def in_a_nutshell(self) -> "Report":
        """How many get through, and how fast."""
        brief = self.in_brief()
        return replace(brief, sections=tuple(s for s in brief.sections if s.is_central))


class Asking:
    """Runs queries in which `$procedure` is the one the report is about."""

    def __init__(self, con: duckdb.DuckDBPyConnection, procedure: str) -> None:
        self._con = con
        self.procedure = procedure

    def __call__(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        given = {"procedure": self.procedure, **values}
        used = {name: value for name, value in given.items() if f"${name}" in query}
        return self._con.execute(query, used).fetchall()


def number_column(title: str) -> Column:
    return Column(title, count, is_number=True)


def low_and_high(points: Sequence[tuple[date, float]]) -> tuple[float, float]:
    """The least and the greatest value of a trend, apart even where all are equal."""
    values = [value for _, value in points]
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - _HALF_WIDTH, high + _HALF_WIDTH)
