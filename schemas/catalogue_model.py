"""How a published table and its columns are described, and short ways to write a column down.

The descriptions themselves stand in the other `catalogue_*` modules; `catalogue.py` collects them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

# How the description of a column that holds personal data ends.
PERSONAL = "Personal data."
MAY_BE_PERSONAL = "May be personal data."

Layer = Literal["core", "mart", "config"]

UNITS = SECONDS, COUNT, PER_DAY, SHARE, INSTANT, DAY, DAYS, BYTES, DEGREES = (
    "seconds",
    "count",
    "count a day",
    "share 0..1",
    "UTC instant",
    "day",
    "days",
    "bytes",
    "degrees",
)


@dataclass(frozen=True)
class OutputColumn:
    """One column in words.

    `type` is the DuckDB type, `description` the formula, `unit` empty where there is none. `nulls`
    says when the value is null (empty: never), `open_rule` what it means for processes that are
    open or were reopened (empty: nothing special).
    """

    name: str
    type: str
    description: str
    unit: str = ""
    nulls: str = ""
    open_rule: str = ""

    @property
    def comment(self) -> str:
        """The text for `comment on column`: formula, unit, and the two rules where they exist."""
        parts = [
            self.description,
            f"Unit: {self.unit}." if self.unit else "",
            f"Null: {self.nulls}." if self.nulls else "",
            f"Open or reopened: {self.open_rule}." if self.open_rule else "",
        ]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class OutputTable:
    """One published table in words; `grain` says what one row is, columns are in their order."""

    name: str
    layer: Layer
    description: str
    grain: str
    columns: tuple[OutputColumn, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def comment(self) -> str:
        """The text for `comment on table`."""
        return f"{self.description} Grain: {self.grain}."


def is_personal(description: str) -> bool:
    """Whether a column described so holds, or may hold, personal data."""
    return description.endswith((PERSONAL, MAY_BE_PERSONAL))


def in_order(
    shared: Mapping[str, OutputColumn], parts: Iterable[str | OutputColumn]
) -> tuple[OutputColumn, ...]:
    """Columns in order, those given by name taken from `shared`.

    Raises `KeyError` when a name is not in it.
    """
    return tuple(shared[part] if isinstance(part, str) else part for part in parts)


def text(name: str, description: str, *, nulls: str = "", open_rule: str = "") -> OutputColumn:
    return OutputColumn(name, "VARCHAR", description, "", nulls, open_rule)


def identifier(name: str, description: str, *, nulls: str = "") -> OutputColumn:
    return OutputColumn(name, "UUID", description, "", nulls)


def number(name: str, sql_type: str, description: str, *, nulls: str = "") -> OutputColumn:
    """A number without a unit: a position, a rank, a generation."""
    return OutputColumn(name, sql_type, description, "", nulls)


def flag(name: str, description: str, *, nulls: str = "", open_rule: str = "") -> OutputColumn:
    return OutputColumn(name, "BOOLEAN", description, "", nulls, open_rule)


def instant(name: str, description: str, *, nulls: str = "", open_rule: str = "") -> OutputColumn:
    return OutputColumn(name, "TIMESTAMP", description, INSTANT, nulls, open_rule)


def day(name: str, description: str, *, nulls: str = "", open_rule: str = "") -> OutputColumn:
    return OutputColumn(name, "DATE", description, DAY, nulls, open_rule)


def seconds(name: str, description: str, *, nulls: str = "", open_rule: str = "") -> OutputColumn:
    """An exact duration: whole milliseconds divided by 1000."""
    return OutputColumn(name, "DOUBLE", description, SECONDS, nulls, open_rule)


def share(name: str, description: str, *, nulls: str = "", open_rule: str = "") -> OutputColumn:
    return OutputColumn(name, "DOUBLE", description, SHARE, nulls, open_rule)


def count(name: str, description: str, *, open_rule: str = "") -> OutputColumn:
    """A count over many rows."""
    return OutputColumn(name, "BIGINT", description, COUNT, "", open_rule)


def small_count(name: str, description: str, *, open_rule: str = "") -> OutputColumn:
    """A count within one process or one definition."""
    return OutputColumn(name, "INTEGER", description, COUNT, "", open_rule)
