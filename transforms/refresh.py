"""Refreshing history tables: finding the processes to redo since the last build, and redoing them.

What a table is, is its SQL (`tables.py`); tables as at an instant are for `builder.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal

import duckdb
import polars as pl

from transforms.tables import Layer, Table, load_versions

Mode = Literal["full", "incremental", "current"]

# Only what these say decides history; a changed funnel or rule must not rebuild it.
_CONFIG_OF_HISTORY = ("procedures", "states", "transitions", "procedure_calendars")
# Which slots a calendar has is told by `procedure_calendars`.
_READ_BY_HISTORY = (*_CONFIG_OF_HISTORY, "working_slots")
_ONLY_PUBLISHED = ("procedure_name", "is_removed")


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did: how, over how many processes, and the rows of the table afterwards."""

    table: str
    mode: Mode
    processes: int
    rows: int


@dataclass(frozen=True)
class _Mark:
    """How far a table has absorbed the raw versions, and by which definition.

    `fingerprint` is that of its SQL, `definitions` that of what it reads of each procedure.
    """

    batch_seq: int
    as_of: datetime
    fingerprint: str
    definitions: Mapping[str, str] = field(default_factory=dict[str, str])


class HistoryRefresher:
    """Brings the history tables of one warehouse up to the raw versions, as at `as_of`.

    A table is redone for the processes touched since it was last built: those with new versions and
    those of procedures whose states or transitions changed, or that `rebuild` has (ids). With
    `full`, or when the SQL of a table changed, all are redone. Works for one state of the raw
    tables.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        tables: Mapping[tuple[Layer, str], Table],
        config: Mapping[str, pl.DataFrame],
        *,
        as_of: datetime,
        catalog: str,
        full: bool,
        rebuild: Sequence[str] = (),
    ) -> None:
        self._con = con
        self._tables = tables
        self._config = config
        self._as_of = as_of
        self._catalog = catalog
        self._full = full
        self._rebuild_ids = frozenset(rebuild)
        self._done: dict[str, Refreshed] = {}
        self._touched: tuple[object, ...] | None = None
        self._n_touched = 0
        con.execute(f"create schema if not exists {catalog}.history")
        con.execute(
            f"create table if not exists {catalog}.history.watermarks (table_name varchar, "
            "batch_seq bigint, as_of timestamp, fingerprint varchar)"
        )
        con.execute(
            f"alter table {catalog}.history.watermarks add column if not exists definitions varchar"
        )

    def is_fresh(self, name: str) -> bool:
        """Whether a table has been refreshed already."""
        return name in self._done

    def refresh(self, name: str) -> Refreshed:
        """Bring a table, and before it those it reads, up to the raw versions."""
        if name in self._done:
            return self._done[name]
        table = self._tables["history", name]
        for upstream in table.reads:
            if ("history", upstream) in self._tables:
                self.refresh(upstream)
        mark = self._marks.get(name)
        if self._full or mark is None or mark.fingerprint != self._fingerprint(table):
            refreshed = self._rebuild(table)
        else:
            refreshed = self._update(table, mark)
        self._done[name] = refreshed
        return refreshed

    @cached_property
    def _last_batch(self) -> int:
        return self._scalar("select max(batch_seq) from raw.process_versions") or 0

    @cached_property
    def _marks(self) -> dict[str, _Mark]:
        query = f"""
            select table_name, batch_seq, as_of, fingerprint, coalesce(definitions, '{{}}')
            from {self._catalog}.history.watermarks
        """
        rows = self._con.execute(query).fetchall()
        return {
            name: _Mark(batch, as_of, digest, json.loads(definitions))
            for name, batch, as_of, digest, definitions in rows
        }

    def _rebuild(self, table: Table) -> Refreshed:
        self._bind_touched(None)
        self._bind_history(table)
        place = self._place(table.name)
        self._con.execute("begin")
        try:
            self._con.execute(f"create or replace table {place} as {table.sql}")
            self._move_mark(table, self._as_of)
            self._con.execute("commit")
        except BaseException:
            with suppress(duckdb.TransactionException):  # a full disk has undone it already
                self._con.execute("rollback")
            raise
        return Refreshed(table.name, "full", self._n_touched, self._count(place))

    def _update(self, table: Table, mark: _Mark) -> Refreshed:
        definitions = self._definitions(table)
        both = {*mark.definitions, *definitions}
        differs = {p for p in both if mark.definitions.get(p) != definitions.get(p)}
        changed = sorted(differs | self._rebuild_ids)
        self._bind_touched(mark, changed)
        place = self._place(table.name)
        as_of = max(mark.as_of, self._as_of)
        if self._n_touched == 0:
            self._move_mark(table, as_of)
            return Refreshed(table.name, "current", 0, self._count(place))
        self._bind_history(table)
        self._con.execute("begin")
        try:
            self._con.execute(
                f"delete from {place} where process_id in (select process_id from touched)"
            )
            self._con.execute(f"insert into {place} by name {table.sql}")
            self._move_mark(table, as_of)
            self._con.execute("commit")
        except BaseException:
            with suppress(duckdb.TransactionException):  # a full disk has undone it already
                self._con.execute("rollback")
            raise
        return Refreshed(table.name, "incremental", self._n_touched, self._count(place))

    def _bind_touched(self, mark: _Mark | None, changed: list[str] | None = None) -> None:
        """Bind `raw_versions`, `versions` and `touched` to what changed since `mark`, or to all.

        `changed` are the ids of procedures whose processes are all redone.
        """
        key = (mark.batch_seq, mark.as_of, tuple(changed or ())) if mark else ("all",)
        if key == self._touched:
            return
        seen = f"updated_at <= {instant_sql(self._as_of)}"
        if mark is None:
            versions = f"from raw.process_versions where {seen}"
        else:
            self._con.execute(
                "create or replace temp table touched as select distinct process_id "
                f"from raw.process_versions where batch_seq > {mark.batch_seq} "
                f"or (updated_at > {instant_sql(mark.as_of)} and {seen}) "
                "or list_contains($changed, procedure_id::varchar)",
                {"changed": changed or []},
            )
            versions = (
                f"from raw.process_versions semi join touched using (process_id) where {seen}"
            )
        self._con.execute(f"create or replace temp view raw_versions as {versions}")
        for name in _READ_BY_HISTORY:
            self._con.execute(f'create or replace temp view "{name}" as from config.{name}')
        self._con.execute(f"create or replace temp table versions as {load_versions().sql}")
        counted = "touched" if mark else "(select distinct process_id from versions)"
        self._n_touched = self._scalar(f"select count(*) from {counted}")
        self._touched = key

    def _bind_history(self, table: Table) -> None:
        """Bind the history tables that `table` reads, restricted to the touched processes."""
        restriction = "" if self._touched == ("all",) else " semi join touched using (process_id)"
        for name in table.reads:
            if ("history", name) in self._tables:
                self._con.execute(
                    f'create or replace temp view "{name}" as from {self._place(name)}{restriction}'
                )

    def _move_mark(self, table: Table, as_of: datetime) -> None:
        place = f"{self._catalog}.history.watermarks"
        self._con.execute(f"delete from {place} where table_name = $name", {"name": table.name})
        self._con.execute(
            f"insert into {place} by name select $name as table_name, $batch as batch_seq, "
            "$as_of as as_of, $fingerprint as fingerprint, $definitions as definitions",
            {
                "name": table.name,
                "batch": self._last_batch,
                "as_of": as_of,
                "fingerprint": self._fingerprint(table),
                "definitions": json.dumps(self._definitions(table), sort_keys=True),
            },
        )

    def _fingerprint(self, table: Table) -> str:
        """What makes a table: its SQL and that of its sources."""
        digest = hashlib.sha256(table.sql.encode())
        for name in table.reads:
            if name == "versions":
                digest.update(load_versions().sql.encode())
            elif ("history", name) in self._tables:
                digest.update(self._fingerprint(self._tables["history", name]).encode())
        return digest.hexdigest()

    def _definitions(self, table: Table) -> dict[str, str]:
        """The fingerprint of what a table and its sources read of each procedure, by its id."""
        names = sorted(self._config_read_by(table))
        return {
            procedure_id: hashlib.sha256(
                repr([(name, self._rows_of(name, procedure)) for name in names]).encode()
            ).hexdigest()
            for procedure_id, procedure in self._config["procedures"]
            .select("procedure_id", "procedure")
            .iter_rows()
        }

    def _config_read_by(self, table: Table) -> set[str]:
        found: set[str] = set()
        for name in table.reads:
            if name in _CONFIG_OF_HISTORY:
                found.add(name)
            elif name == "versions":
                found |= self._config_read_by(load_versions())
            elif ("history", name) in self._tables:
                found |= self._config_read_by(self._tables["history", name])
        return found

    def _rows_of(self, config: str, procedure: str) -> list[tuple[object, ...]]:
        rows = self._config[config].filter(pl.col("procedure") == procedure)
        rows = rows.drop(_ONLY_PUBLISHED, strict=False)
        return sorted(rows.rows(), key=str)

    def _place(self, name: str) -> str:
        return f'{self._catalog}.history."{name}"'

    def _count(self, relation: str) -> int:
        return self._scalar(f"select count(*) from {relation}")

    def _scalar(self, query: str) -> int:
        return self._con.execute(query).fetchall()[0][0]


def instant_sql(instant: datetime) -> str:
    """An instant (UTC, without a zone) as a SQL literal."""
    return f"timestamp '{instant.isoformat(sep=' ')}'"
