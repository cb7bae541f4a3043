"""Two published databases, compared row for row: after an upgrade, or for two machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import duckdb

from pipelines.publish.files import named_file
from pipelines.settings import Settings
from pipelines.warehouse.engine import connect_in_memory
from pipelines.warehouse.file_errors import opening
from schemas.catalogue.tables import TABLES
from schemas.errors import OperationError
from schemas.nearest import did_you_mean
from schemas.sql_text import literal, quoted

_SIDES = ("first", "second")
# About the database itself: they differ wherever anything else does, or between any two.
_ABOUT = ("build", "catalog")
# The key of tables that the catalogue does not have: those of procedures.
_KEY_OF_WIDE = ("process_id", "record_id")


@dataclass(frozen=True)
class TableDifference:
    """How a table differs: `rows` in either database, None where it has no such table.

    `only` counts the rows that one alone has, and `changed` those that both have by key and that
    differ elsewhere, in how many rows by `columns`. Without a key no row counts as changed.
    `others` are columns that only one has, or that have another type.
    """

    name: str
    rows: tuple[int | None, int | None]
    only: tuple[int, int] = (0, 0)
    changed: int = 0
    columns: Mapping[str, int] = field(default_factory=dict[str, int])
    others: tuple[str, ...] = ()

    @property
    def is_none(self) -> bool:
        """Whether both have the same columns and rows."""
        return None not in self.rows and not (any(self.only) or self.changed or self.others)


class Comparison:
    """Two published databases that are compared; make one with `comparing`."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con

    def builds(self) -> list[dict[str, str]]:
        """What each database says of itself: generation, as_of and the release that wrote it."""
        found: list[dict[str, str]] = []
        for side in _SIDES:
            query = (
                "select generation, strftime(as_of::timestamp, '%Y-%m-%d %H:%M:%S'), "
                f"leadtime_version from {side}.build"
            )
            (row,) = self._con.execute(query).fetchall()
            found.append(dict(zip(("generation", "as_of", "leadtime"), map(str, row), strict=True)))
        return found

    def tables(self) -> Iterator[TableDifference]:
        """Each table that either database has, in order of the names."""
        for name in self._names:
            yield self._compare(name)

    def cells(self, table: str, limit: int) -> list[tuple[str, str, str | None, str | None]]:
        """The first cells in which a table differs: row, column, and the two values as text.

        For a row that one alone has, the column is empty and the values say which has it. Raises
        `OperationError` when neither database has the table.
        """
        if table not in self._names:
            near = did_you_mean(table, self._names) or "`leadtime query` lists the tables."
            raise OperationError("--table", f"found {table!r}", near)
        missing = [side for side in _SIDES if table not in self._columns[side]]
        if missing:
            raise OperationError(
                "--table", f"the {missing[0]} database has no {table}", "Name one of both."
            )
        key, shared = self._key(table), self._shared(table)
        query = self._keyed_cells(table, key, shared) if key else self._whole_rows(table, shared)
        return self._con.execute(f"{query} limit {limit}").fetchall()

    @cached_property
    def _columns(self) -> dict[str, dict[str, dict[str, str]]]:
        """Types by side, table and column."""
        found: dict[str, dict[str, dict[str, str]]] = {side: {} for side in _SIDES}
        rows = self._con.execute(
            "select database_name, table_name, column_name, data_type from duckdb_columns() "
            "where database_name in ('first', 'second') and schema_name = 'main' and not internal "
            "order by table_name, column_index"
        ).fetchall()
        for side, table, column, kind in rows:
            found[side].setdefault(table, {})[column] = kind
        return found

    @cached_property
    def _names(self) -> list[str]:
        first, second = (self._columns[side] for side in _SIDES)
        return sorted({*first, *second} - {*_ABOUT})

    def _shared(self, table: str) -> list[str]:
        """The columns that both have with the same type."""
        first, second = (self._columns[side][table] for side in _SIDES)
        return [name for name, kind in first.items() if second.get(name) == kind]

    def _compare(self, name: str) -> TableDifference:
        first, second = (
            self._number(f"from {side}.{quoted(name)}") if name in self._columns[side] else None
            for side in _SIDES
        )
        if first is None or second is None:
            return TableDifference(name, (first, second))
        shared = self._shared(name)
        columns = {*self._columns["first"][name], *self._columns["second"][name]}
        others = tuple(sorted(columns - {*shared}))
        if key := self._key(name):
            only, changed, differing = self._by_key(name, key, shared)
        else:
            only, changed, differing = self._by_row(name, shared), 0, {}
        return TableDifference(name, (first, second), only, changed, differing, others)

    def _key(self, name: str) -> Sequence[str]:
        """The columns that no two rows of either database agree in; empty where there are none."""
        known = TABLES[name].key if name in TABLES else ()
        candidates = [known, *((column,) for column in _KEY_OF_WIDE)]
        shared = {*self._shared(name)}
        for key in candidates:
            if key and shared >= {*key} and all(self._is_key(side, name, key) for side in _SIDES):
                return key
        return ()

    def _is_key(self, side: str, name: str, key: Sequence[str]) -> bool:
        place, members = f"{side}.{quoted(name)}", ", ".join(map(quoted, key))
        return self._number(f"from {place}") == self._number(
            f"from (select distinct {members} from {place})"
        )

    def _by_key(
        self, name: str, key: Sequence[str], shared: Sequence[str]
    ) -> tuple[tuple[int, int], int, dict[str, int]]:
        values = [column for column in shared if column not in key]
        differs = [f"(a.{quoted(v)} is distinct from b.{quoted(v)})" for v in values] or ["false"]
        both = "a_here and b_here"
        counts = [
            "b_here is null",
            "a_here is null",
            f"{both} and ({' or '.join(differs)})",
            *(f"{both} and {one}" for one in differs),
        ]
        wanted = ", ".join(f"count(*) filter (where {count})" for count in counts)
        (row,) = self._con.execute(f"select {wanted} from {_joined(name, key)}").fetchall()
        of_columns = zip(values, row[3:], strict=False)
        return row[:2], row[2], {column: count for column, count in of_columns if count}

    def _by_row(self, name: str, shared: Sequence[str]) -> tuple[int, int]:
        columns = ", ".join(map(quoted, shared))
        first, second = (f"select {columns} from {side}.{quoted(name)}" for side in _SIDES)
        return (
            self._number(f"from ({first} except all {second})"),
            self._number(f"from ({second} except all {first})"),
        )

    def _keyed_cells(self, name: str, key: Sequence[str], shared: Sequence[str]) -> str:
        values = [column for column in shared if column not in key]
        row = ", ' ', ".join(f"coalesce(a.{quoted(k)}, b.{quoted(k)})::varchar" for k in key)
        cells = [
            "{'name': '', 'a': if(a_here, 'present', null), 'b': if(b_here, 'present', null), "
            "'differs': a_here is null or b_here is null}",
            *(
                f"{{'name': {literal(v)}, 'a': a.{quoted(v)}::varchar, 'b': b.{quoted(v)}::varchar,"
                f" 'differs': a_here and b_here and a.{quoted(v)} is distinct from b.{quoted(v)}}}"
                for v in values
            ),
        ]
        order = ", ".join(f"coalesce(a.{quoted(k)}, b.{quoted(k)})" for k in key)
        return f"""
            select place, cell.name, cell.a, cell.b
            from (
                select
                    concat({row}) as place,
                    row_number() over (order by {order}) as row_no,
                    unnest(list_filter([{", ".join(cells)}], lambda c: c.differs)) as cell
                from {_joined(name, key)}
            )
            order by row_no
        """

    def _whole_rows(self, name: str, shared: Sequence[str]) -> str:
        columns = ", ".join(map(quoted, shared))
        first, second = (f"select {columns} from {side}.{quoted(name)}" for side in _SIDES)
        return f"""
            select to_json(r)::varchar as place, '', 'present', null
            from (({first}) except all ({second})) as r
            union all
            select to_json(r)::varchar, '', null, 'present'
            from (({second}) except all ({first})) as r
            order by all
        """

    def _number(self, relation: str) -> int:
        return self._con.execute(f"select count(*) {relation}").fetchall()[0][0]


def _joined(name: str, key: Sequence[str]) -> str:
    sides = [
        f"(select *, true as {a}_here from {side}.{quoted(name)}) as {a}"
        for a, side in zip("ab", _SIDES, strict=True)
    ]
    on = " and ".join(f"a.{quoted(k)} is not distinct from b.{quoted(k)}" for k in key)
    return f"{sides[0]} full join {sides[1]} on {on}"


@contextmanager
def comparing(settings: Settings, first: str, second: str) -> Iterator[Comparison]:
    """The comparison of two databases, each the number of a generation or a path.

    SQL can access no other file. Raises `OperationError` when one is not there, cannot be read, or
    was not published by leadtime.
    """
    paths = [named_file(settings, name) for name in (first, second)]
    con = connect_in_memory()
    try:
        for side, path in zip(_SIDES, paths, strict=True):
            with opening(path, when_damaged="Publish it again."):
                con.execute(f"attach {literal(str(path))} as {side} (read_only)")
            if not con.execute(_HAS_BUILD, {"side": side}).fetchall()[0][0]:
                found = "was not published by leadtime (it has no table `build`)"
                raise OperationError(str(path), found, "Name a published database.")
        con.execute("set enable_external_access = false")
        con.execute("set lock_configuration = true")
        yield Comparison(con)
    finally:
        con.close()


_HAS_BUILD = """
    select count(*) from duckdb_tables() where database_name = $side and table_name = 'build'
"""
