"""Refreshing tables: what to rebuild, over which processes, in one transaction a table.

What a table is, is its SQL (`tables.py`); where the warehouse lies and when it is built is for
`pipelines/` to say. Relations are bound to plain names by temporary views.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

import duckdb
import polars as pl

from schemas.definitions import Procedures
from transforms.config import CONFIG_TABLES
from transforms.tables import Layer, Table, load_tables, load_versions
from transforms.wide import primary_keys_sql

Mode = Literal["full", "incremental", "current"]

_RAW = {
    "raw_files": "ingest_files",
    "raw_quarantine": "quarantine",
    "raw_violations": "violations",
}
# Only what these say decides history; a changed funnel or rule must not rebuild it.
_CONFIG_OF_HISTORY = ("procedures", "states", "transitions")


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did: how, over how many processes, and the rows of the table afterwards."""

    table: str
    mode: Mode
    processes: int
    rows: int


@dataclass(frozen=True)
class _Mark:
    """How far a table has absorbed the raw versions, and by which definition."""

    batch_seq: int
    as_of: datetime
    fingerprint: str


class Builder:
    """Builds the tables of one warehouse as at `as_of` (UTC, without a zone).

    `catalog` is the database the built tables go to. History tables are refreshed for the processes
    touched since they were last built; with `full`, or when what defines a table changed, for all.
    A builder works for one state of the raw tables: make a new one after new files came in.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        procedures: Procedures,
        config: Mapping[str, pl.DataFrame],
        *,
        as_of: datetime,
        time_zone: str,
        catalog: str,
        full: bool = False,
    ) -> None:
        self._con = con
        self._procedures = procedures
        self._config = config
        self._as_of = as_of
        self._time_zone = time_zone
        self._catalog = catalog
        self._full = full
        self._tables = load_tables(procedures)
        self._done: dict[str, Refreshed] = {}
        self._touched: tuple[object, ...] | None = None
        self._n_touched = 0
        self._are_names_bound = False
        for schema in ("history", "core", "mart"):
            con.execute(f"create schema if not exists {catalog}.{schema}")
        con.execute(
            f"create table if not exists {catalog}.history.watermarks (table_name varchar, "
            "batch_seq bigint, as_of timestamp, fingerprint varchar)"
        )

    def names(self, layer: Layer) -> list[str]:
        """The tables of a layer, each after those it reads."""
        return [table.name for table in self._tables.values() if table.layer == layer]

    def sql(self, layer: Layer, name: str) -> str:
        """What a table is."""
        return self._tables[layer, name].sql

    def refresh_history(self, name: str) -> Refreshed:
        """Bring a history table, and before it those it reads, up to the raw versions."""
        if name in self._done:
            return self._done[name]
        table = self._tables["history", name]
        for upstream in table.reads:
            if ("history", upstream) in self._tables:
                self.refresh_history(upstream)
        mark = self._marks.get(name)
        if self._full or mark is None or mark.fingerprint != self._fingerprint(table):
            refreshed = self._rebuild(table)
        else:
            refreshed = self._update(table, mark)
        self._done[name] = refreshed
        return refreshed

    def build(self, layer: Layer, name: str) -> int:
        """Build a core or mart table from what it reads; the number of its rows.

        Core tables that are history as at an instant are views and cost nothing.
        """
        self.bind_names()
        table = self._tables[layer, name]
        if self._is_view(table):
            return self._count(f'"{name}"')
        place = f'{self._catalog}.{layer}."{name}"'
        self._con.execute(f"create or replace table {place} as {table.sql}")
        self._con.execute(f'create or replace temp view "{name}" as from {place}')
        return self._count(place)

    def bind_names(self) -> None:
        """Let every core and mart table, and what they read, be read by its plain name."""
        if self._are_names_bound:
            return
        views = {f"history_{name}": self._place("history", name) for name in self.names("history")}
        views |= {name: f"raw.{table}" for name, table in _RAW.items()}
        views |= {name: f"config.{name}" for name in CONFIG_TABLES}
        for name, place in views.items():
            self._con.execute(f'create or replace temp view "{name}" as from {place}')
        self._con.execute(
            f"create or replace temp view build as select {_instant(self._as_of)} as as_of, "
            f"'{self._time_zone}' as time_zone"
        )
        keys = primary_keys_sql(list(self._procedures))
        self._con.execute(f"create or replace temp view primary_keys as {keys}")
        for table in self._tables.values():
            if table.layer == "history":
                continue
            if self._is_view(table):
                self._con.execute(f'create or replace temp view "{table.name}" as {table.sql}')
            elif self._exists(table):
                place = self._place(table.layer, table.name)
                self._con.execute(f'create or replace temp view "{table.name}" as from {place}')
        self._are_names_bound = True

    @cached_property
    def _last_batch(self) -> int:
        return self._scalar("select max(batch_seq) from raw.process_versions") or 0

    @cached_property
    def _marks(self) -> dict[str, _Mark]:
        query = f"from {self._catalog}.history.watermarks"
        rows = self._con.execute(query).fetchall()
        return {name: _Mark(batch, as_of, digest) for name, batch, as_of, digest in rows}

    def _rebuild(self, table: Table) -> Refreshed:
        self._bind_touched(None)
        self._bind_history(table)
        place = self._place("history", table.name)
        self._con.execute("begin")
        try:
            self._con.execute(f"create or replace table {place} as {table.sql}")
            self._move_mark(table, self._as_of)
            self._con.execute("commit")
        except BaseException:
            self._con.execute("rollback")
            raise
        return Refreshed(table.name, "full", self._n_touched, self._count(place))

    def _update(self, table: Table, mark: _Mark) -> Refreshed:
        self._bind_touched(mark)
        place = self._place("history", table.name)
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
            self._con.execute("rollback")
            raise
        return Refreshed(table.name, "incremental", self._n_touched, self._count(place))

    def _bind_touched(self, mark: _Mark | None) -> None:
        """Bind `raw_versions`, `versions` and `touched` to what changed since `mark`, or to all."""
        key: tuple[object, ...] = (mark.batch_seq, mark.as_of) if mark else ("all",)
        if key == self._touched:
            return
        seen = f"updated_at <= {_instant(self._as_of)}"
        if mark is None:
            versions = f"from raw.process_versions where {seen}"
        else:
            self._con.execute(
                "create or replace temp table touched as select distinct process_id "
                f"from raw.process_versions where batch_seq > {mark.batch_seq} "
                f"or (updated_at > {_instant(mark.as_of)} and {seen})"
            )
            versions = (
                f"from raw.process_versions semi join touched using (process_id) where {seen}"
            )
        self._con.execute(f"create or replace temp view raw_versions as {versions}")
        for name in _CONFIG_OF_HISTORY:
            self._con.execute(f'create or replace temp view "{name}" as from config.{name}')
        self._con.execute(f"create or replace temp table versions as {load_versions().sql}")
        counted = "touched" if mark else "(select distinct process_id from versions)"
        self._n_touched = self._scalar(f"select count(*) from {counted}")
        self._touched = key

    def _bind_history(self, table: Table) -> None:
        """Bind the history tables that `table` reads, restricted to the touched processes."""
        self._are_names_bound = False
        restriction = "" if self._touched == ("all",) else " semi join touched using (process_id)"
        for name in table.reads:
            if ("history", name) in self._tables:
                place = self._place("history", name)
                self._con.execute(
                    f'create or replace temp view "{name}" as from {place}{restriction}'
                )

    def _move_mark(self, table: Table, as_of: datetime) -> None:
        place = f"{self._catalog}.history.watermarks"
        self._con.execute(f"delete from {place} where table_name = $name", {"name": table.name})
        self._con.execute(
            f"insert into {place} values ($name, $batch, $as_of, $fingerprint)",
            {
                "name": table.name,
                "batch": self._last_batch,
                "as_of": as_of,
                "fingerprint": self._fingerprint(table),
            },
        )

    def _fingerprint(self, table: Table) -> str:
        """What defines a table: its SQL, the configuration it reads, and that of its sources."""
        digest = hashlib.sha256(table.sql.encode())
        for name in table.reads:
            if name in _CONFIG_OF_HISTORY:
                digest.update(repr(sorted(self._config[name].rows(), key=str)).encode())
            elif name == "versions":
                digest.update(self._fingerprint(load_versions()).encode())
            elif ("history", name) in self._tables:
                digest.update(self._fingerprint(self._tables["history", name]).encode())
        return digest.hexdigest()

    def _is_view(self, table: Table) -> bool:
        if table.layer != "core":
            return False
        return ("history", table.name) in self._tables or table.name.endswith("_processes")

    def _exists(self, table: Table) -> bool:
        query = (
            "select count(*) from duckdb_tables() where database_name = $catalog "
            "and schema_name = $layer and table_name = $name"
        )
        parameters = {"catalog": self._catalog, "layer": table.layer, "name": table.name}
        return bool(self._scalar(query, parameters))

    def _place(self, layer: Layer, name: str) -> str:
        return f'{self._catalog}.{layer}."{name}"'

    def _count(self, relation: str) -> int:
        return self._scalar(f"select count(*) from {relation}")

    def _scalar(self, query: str, parameters: Mapping[str, object] | None = None) -> int:
        return self._con.execute(query, dict(parameters or {})).fetchall()[0][0]


def unknown_states(con: duckdb.DuckDBPyConnection) -> Sequence[tuple[str, str, int]]:
    """Procedures and states (ids) that versions hold but no definition has, with their number."""
    query = """
        select v.procedure_id::varchar, v.state_id::varchar, count(*)
        from raw.process_versions as v
        anti join config.states as s using (procedure_id, state_id)
        group by all order by all
    """
    return con.execute(query).fetchall()


def _instant(instant: datetime) -> str:
    return f"timestamp '{instant.isoformat(sep=' ')}'"
