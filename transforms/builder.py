"""Building the tables of a warehouse as at an instant: history, then core tables, then marts.

What a table is, is its SQL (`tables.py`); which processes of the history are redone is for
`refresh.py`; where the warehouse lies and when it is built is for `pipelines/` to say. Relations
are bound to plain names by temporary views.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property

import duckdb
import polars as pl

from schemas.definitions import Procedures
from schemas.derivations import plan_derivations
from transforms.config import CONFIG_TABLES
from transforms.derived import Deriver
from transforms.refresh import HistoryRefresher, Refreshed, instant_sql
from transforms.tables import Layer, Table, load_tables
from transforms.wide import primary_keys_sql

_RAW = {
    "raw_files": "ingest_files",
    "raw_quarantine": "quarantine",
    "raw_violations": "violations",
    "raw_dimension_rows": "dimension_rows",
}


class Builder:
    """Builds the tables of one warehouse as at `as_of` (UTC, without a zone).

    `catalog` is the database the built tables go to. History tables are refreshed for the processes
    touched since they were last built; with `full`, or when what defines a table changed, for all,
    and for all of the procedures `rebuild` (ids).
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
        rebuild: Sequence[str] = (),
    ) -> None:
        self._con = con
        self._procedures = procedures
        self._as_of = as_of
        self._time_zone = time_zone
        self._catalog = catalog
        self._tables = load_tables(procedures)
        self._are_names_bound = False
        self._is_derived = False
        self._history = HistoryRefresher(
            con, self._tables, config, as_of=as_of, catalog=catalog, full=full, rebuild=rebuild
        )
        for schema in ("core", "mart"):
            con.execute(f"create schema if not exists {catalog}.{schema}")

    def names(self, layer: Layer) -> list[str]:
        """The tables of a layer, each after those it reads."""
        return [table.name for table in self._tables.values() if table.layer == layer]

    def sql(self, layer: Layer, name: str) -> str:
        """What a table is."""
        return self._tables[layer, name].sql

    def refresh_history(self, name: str) -> Refreshed:
        """Bring a history table, and before it those it reads, up to the raw versions."""
        if not self._history.is_fresh(name):
            self._are_names_bound = self._is_derived = False
        return self._history.refresh(name)

    def build(self, layer: Layer, name: str) -> int:
        """Build a core or mart table from what it reads; the number of its rows.

        Core tables that are history as at an instant are views and cost nothing.
        """
        self.bind_names()
        table = self._tables[layer, name]
        if self._is_view(table) or (layer == "core" and name in self._read_by_views):
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
            f"create or replace temp view build as select {instant_sql(self._as_of)} as as_of, "
            f"'{self._time_zone}' as time_zone"
        )
        keys = primary_keys_sql(list(self._procedures))
        self._con.execute(f"create or replace temp view primary_keys as {keys}")
        for table in self._tables.values():
            if table.layer != "history":
                self._bind(table)
        self._are_names_bound = True

    def _bind(self, table: Table) -> None:
        """Bind a table to its name; tables that views read are built first."""
        place = self._place(table.layer, table.name)
        if self._is_view(table):
            self._con.execute(f'create or replace temp view "{table.name}" as {table.sql}')
            return
        if table.is_stored_step:
            place = self._place("core", table.name)
            self._con.execute(f"create or replace table {place} as {table.sql}")
        elif table.layer == "derived":
            if not self._is_derived:
                plan = plan_derivations(self._procedures)
                Deriver(self._con, plan, catalog=self._catalog).derive(self._procedures)
                self._is_derived = True
            place = self._place("core", table.name)
        elif table.name in self._read_by_views:
            self._con.execute(f"create or replace table {place} as {table.sql}")
        elif not self._exists(table):
            return
        self._con.execute(f'create or replace temp view "{table.name}" as from {place}')

    @cached_property
    def _read_by_views(self) -> frozenset[str]:
        """Stored core tables that views or steps read, so that they come before everything else."""
        readers = [t for t in self._tables.values() if self._is_view(t) or t.is_stored_step]
        read = {name for table in readers for name in table.reads if ("core", name) in self._tables}
        return frozenset(n for n in read if not self._is_view(self._tables["core", n]))

    def _is_view(self, table: Table) -> bool:
        if table.layer == "derived":
            return bool(table.sql) and not table.is_stored_step
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


def unknown_states(
    con: duckdb.DuckDBPyConnection, states: pl.DataFrame
) -> Sequence[tuple[str, str, int]]:
    """Procedures and states (ids) that versions hold but not `states`, with their number."""
    query = """
        select v.procedure_id::varchar, v.state_id::varchar, count(*)
        from raw.process_versions as v
        anti join defined_states as s
            on v.procedure_id = s.procedure_id::uuid and v.state_id = s.state_id::uuid
        group by all order by all
    """
    con.register("defined_states", states)
    try:
        return con.execute(query).fetchall()
    finally:
        con.unregister("defined_states")
