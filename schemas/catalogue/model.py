"""The classes that describe a published table and its columns, and short constructors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from schemas.privacy import BY_DEFAULT, SENTENCES, Privacy, Publish

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
    """One column.

    `type` is the DuckDB type, `description` the meaning and formula. `nulls` says when the value is
    null (empty: never), `open_rule` how open and reopened processes count (empty: no special rule),
    `personal` how much it says about a person. `publish` says how it is published where that is
    not as usual for what it says. A column with `of_attribute` has values of the attribute that the
    row names in `procedure` and `attribute`, each published as that attribute is.
    """

    name: str
    type: str
    description: str
    unit: str = ""
    nulls: str = ""
    open_rule: str = ""
    personal: Privacy = "no"
    publish: Publish | None = None
    of_attribute: bool = False

    @property
    def published_as(self) -> Publish:
        """How its values are published; those of attributes as each attribute is."""
        return "clear" if self.of_attribute else self.publish or BY_DEFAULT[self.personal]

    @property
    def comment(self) -> str:
        """The text for `comment on column`: formula, unit, and the rules where they exist."""
        parts = [
            self.description,
            SENTENCES[self.personal],
            f"Unit: {self.unit}." if self.unit else "",
            f"Null: {self.nulls}." if self.nulls else "",
            f"Open or reopened: {self.open_rule}." if self.open_rule else "",
        ]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class OutputTable:
    """One published table; `grain` says what one row is.

    No two rows agree in the columns of `key`; it is empty where rows may repeat.
    """

    name: str
    layer: Layer
    description: str
    grain: str
    columns: tuple[OutputColumn, ...]
    key: tuple[str, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def comment(self) -> str:
        """The text for `comment on table`."""
        return f"{self.description} Grain: {self.grain}."


@dataclass(frozen=True)
class OutputMacro:
    """One published table macro in words; `grain` says what one row of its result is."""

    name: str
    description: str
    grain: str

    @property
    def comment(self) -> str:
        """The text for `comment on macro table`."""
        return f"{self.description} Grain: {self.grain}."


def in_order(
    shared: Mapping[str, OutputColumn], parts: Iterable[str | OutputColumn]
) -> tuple[OutputColumn, ...]:
    """The columns in order; those given by name are looked up in `shared`.

    Raises `KeyError` for a name that is not in it.
    """
    return tuple(shared[part] if isinstance(part, str) else part for part in parts)


def text(
    name: str,
    description: str,
    *,
    nulls: str = "",
    open_rule: str = "",
    personal: Privacy = "no",
) -> OutputColumn:
    return OutputColumn(name, "VARCHAR", description, "", nulls, open_rule, personal)


def attribute_value(name: str, description: str, *, nulls: str) -> OutputColumn:
    """A value, as text, of the attribute that the row names in `procedure` and `attribute`."""
    return OutputColumn(name, "VARCHAR", description, "", nulls, of_attribute=True)


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


def share_limits(name: str, *, nulls: str = "", open_rule: str = "") -> tuple[OutputColumn, ...]:
    """`<name>_low` and `<name>_high`: the interval around the share `name`."""
    return tuple(
        share(
            f"{name}_{end}",
            f"{side} limit of the 95 % interval (Wilson) of `{name}`, processes being independent "
            "of each other.",
            nulls=nulls,
            open_rule=open_rule,
        )
        for end, side in (("low", "Lower"), ("high", "Upper"))
    )


def small_sample(observations: str) -> OutputColumn:
    return flag("is_small", f"Whether there are fewer than 5 {observations}: too few to say much.")


def count(name: str, description: str, *, open_rule: str = "") -> OutputColumn:
    """A count over many rows."""
    return OutputColumn(name, "BIGINT", description, COUNT, "", open_rule)


def small_count(name: str, description: str, *, open_rule: str = "") -> OutputColumn:
    """A count within one process or one definition."""
    return OutputColumn(name, "INTEGER", description, COUNT, "", open_rule)
