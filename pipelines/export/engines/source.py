"""The generation that is copied: its tables with comments, and batches of their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb
import pyarrow as pa
from duckdb.sqltypes import DuckDBPyType

from pipelines.publish.files import named_file
from pipelines.publish.reader import open_published
from pipelines.settings import Settings
from schemas.sql_text import quoted

_BATCH_ROWS = 50_000
_INSTANT = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class Identity:
    """What tells a generation from all others: another data folder has the same numbers.

    Instants are UTC without a zone.
    """

    number: int
    as_of: datetime
    built_at: datetime


@dataclass(frozen=True)
class SourceColumn:
    name: str
    kind: DuckDBPyType
    comment: str


@dataclass(frozen=True)
class SourceTable:
    name: str
    comment: str
    columns: tuple[SourceColumn, ...]
    n_rows: int


class Source:
    """An open generation; `open_source` makes one."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        query = "select generation, as_of, built_at, leadtime_version from build"
        ((number, as_of, built_at, self.leadtime_version),) = con.execute(query).fetchall()
        self.identity = Identity(number, as_of, built_at)
        self.tables = tuple(self._read_tables())

    @property
    def n_rows(self) -> int:
        return sum(table.n_rows for table in self.tables)

    def rows(
        self, table: SourceTable, convert: Callable[[SourceColumn], str], *, comments: bool = False
    ) -> pa.RecordBatchReader:
        """The rows of a table in order, each column as `convert` selects it (`x::text as x`).

        Timestamps are instants in UTC. With `comments` the fields have those of their columns.
        """
        selected = ", ".join(map(convert, table.columns))
        query = f"select {selected} from {quoted(table.name)}"
        found = self._con.sql(query).to_arrow_reader(_BATCH_ROWS)
        fields = [pa.field(field.name, _in_utc(field.type)) for field in found.schema]
        if comments:
            fields = [
                field.with_metadata({"comment": column.comment} if column.comment else {})
                for field, column in zip(fields, table.columns, strict=True)
            ]
        schema = pa.schema(fields)
        return pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in found))

    def _read_tables(self) -> Iterator[SourceTable]:
        comments: dict[str, list[str]] = {}
        for name, comment in self._con.execute(_COLUMNS).fetchall():
            comments.setdefault(name, []).append(comment)
        for name, comment in self._con.execute(_TABLES).fetchall():
            relation = self._con.table(name)
            columns = tuple(
                SourceColumn(column, kind, text)
                for column, kind, text in zip(
                    relation.columns, relation.types, comments[name], strict=True
                )
            )
            ((n_rows,),) = self._con.execute(f"select count(*) from {quoted(name)}").fetchall()
            yield SourceTable(name, comment, columns, n_rows)


@contextmanager
def open_source(settings: Settings, generation: str | None = None) -> Iterator[Source]:
    """The published generation, or the one with this number or in this file.

    Raises `OperationError` when there is none, or it cannot be read.
    """
    if generation is not None:
        settings = replace(settings, data=named_file(settings, generation))
    with open_published(settings) as con:
        yield Source(con)


def _in_utc(kind: pa.DataType) -> pa.DataType:
    """A type with every timestamp in it as an instant in UTC."""
    if pa.types.is_timestamp(kind):
        return _INSTANT
    if pa.types.is_list(kind):
        return pa.list_(_in_utc(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _in_utc(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(kind.key_type, _in_utc(kind.item_type))
    return kind


_TABLES = """
    select table_name, coalesce(comment, '') from duckdb_tables()
    where database_name = current_database() order by table_name
"""
_COLUMNS = """
    select table_name, coalesce(comment, '') from duckdb_columns()
    where database_name = current_database() and not internal
    order by table_name, column_index
"""
