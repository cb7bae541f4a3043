"""How the published tables differ from those built: personal values are keys, or left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from schemas.catalogue.model import OutputColumn, OutputTable, text
from schemas.compiled.wide_table import built_tables
from schemas.definitions.procedure import Procedure
from schemas.privacy import Publish

_SUFFIX = "_key"
KEY_OF = "Key (keyed hash) of `{name}`:"
"""How the description of a column of keys begins."""

_KEY = f"{KEY_OF} equal values have equal keys in all tables."
_VALUES_AS_PUBLISHED = (
    "A value of an attribute that is published as keys is its key; one of an attribute that is not "
    "published is null."
)
_NOT_PUBLISHED = "when the attribute is not published"


@dataclass(frozen=True)
class MaskedTable:
    """A table as built, in clear, and the columns that are published of it.

    `columns` are pairs of a column as built and as published; `left_out` are those that are not
    published at all.
    """

    built: OutputTable
    columns: tuple[tuple[OutputColumn, OutputColumn], ...]
    left_out: tuple[OutputColumn, ...]

    @property
    def hidden(self) -> tuple[OutputColumn, ...]:
        """The columns as built with values that are not published in clear, in their order.

        Among them are columns with values of attributes, some of which may be published.
        """
        return tuple(c for c in self.built.columns if c.published_as != "clear" or c.of_attribute)

    @property
    def published(self) -> OutputTable:
        """The table as published."""
        described = self.built.description
        if self.left_out:
            names = ", ".join(f"`{column.name}`" for column in self.left_out)
            described += f" Not published, as possibly personal data: {names}."
        columns = tuple(published for _, published in self.columns)
        return replace(self.built, description=described, columns=columns)


def masked(table: OutputTable) -> MaskedTable:
    """What is published of a table: a value in clear, its key in `<column>_key`, or nothing.

    A key is the text of the hash whatever the type of the value. Where another column has the name
    of a column of keys, underscores are added to it.
    """
    taken = {column.name.lower() for column in table.columns}
    kept: list[tuple[OutputColumn, OutputColumn]] = []
    left_out: list[OutputColumn] = []
    for column in table.columns:
        match column.published_as:
            case "clear":
                kept.append((column, _with_attribute_values(column)))
            case "key":
                kept.append((column, _key_column(column, taken)))
            case "drop":
                left_out.append(column)
    return MaskedTable(table, tuple(kept), tuple(left_out))


def people_table(table: MaskedTable) -> OutputTable:
    """The table of `people.duckdb` with what is not published in clear of a table with a key."""
    shown = {*table.built.key, *(column.name for column in table.hidden)}
    return OutputTable(
        table.built.name,
        "core",
        f"The values behind the keys of `{table.built.name}` in the published database, and those "
        f"that it leaves out. Join it by {', '.join(f'`{name}`' for name in table.built.key)}.",
        table.built.grain,
        tuple(column for column in table.built.columns if column.name in shown),
        key=table.built.key,
    )


KEYS = OutputTable(
    "keys",
    "core",
    "Every key in the published database, of current and former values, with the value it stands "
    "for.",
    "one row per key",
    (
        text("key", "The key, as in the columns of keys and among values of attributes."),
        text("value", "The value as text.", personal="direct"),
    ),
    key=("key",),
)
"""The table of `people.duckdb` with the value of each key."""


def masked_tables(procedures: Iterable[Procedure]) -> tuple[MaskedTable, ...]:
    """What is published of every table as built."""
    return tuple(masked(table) for table in built_tables(procedures))


def published_tables(procedures: Iterable[Procedure]) -> tuple[OutputTable, ...]:
    """Every table of the published database."""
    return tuple(table.published for table in masked_tables(procedures))


def attributes_published_as(
    procedures: Iterable[Procedure], publish: Publish
) -> Iterator[tuple[str, str]]:
    """The entered attributes whose values are published so: shortIds of procedure and attribute."""
    for procedure in procedures:
        for attribute in procedure.attributes:
            if attribute.published_as == publish:
                yield procedure.short_id, attribute.short_id


def _with_attribute_values(column: OutputColumn) -> OutputColumn:
    if not column.of_attribute:
        return column
    return replace(
        column,
        description=f"{column.description} {_VALUES_AS_PUBLISHED}",
        nulls=f"{column.nulls}, and {_NOT_PUBLISHED}",
    )


def _key_column(column: OutputColumn, taken: Iterable[str]) -> OutputColumn:
    name = f"{column.name}{_SUFFIX}"
    while name.lower() in taken:
        name += "_"
    return replace(
        column,
        name=name,
        type="VARCHAR",
        unit="",
        description=f"{_KEY.format(name=column.name)} {column.description}",
    )
