"""Builds the tables of a warehouse as at an instant: history, then core tables, then marts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import duckdb
import polars as pl

from schemas.compiled.derivations import plan_derivations
from schemas.definitions.procedure import Procedures
from schemas.sql_text import literal, quoted
from transforms.builder.bindings import instant_sql
from transforms.builder.kernel import Computing, Elsewhere
from transforms.builder.local import is_local, local_and_given, plan_local
from transforms.builder.reclaim import Reclaimer
from transforms.builder.refresh import HistoryRefresher, Refreshed
from transforms.builder.signatures import Signatures
from transforms.builder.tables import RAW_RELATIONS, Key, Layer, Table, load_tables, upstreams
from transforms.config.tables import CONFIG_TABLES
from transforms.derive.derived import Deriver
from transforms.transaction import transaction


class Builder:
    """Builds the tables of one warehouse as at `as_of` (UTC, without a zone).

    `catalog` is the database the built tables go to. History tables are refreshed for the processes
    touched since they were last built; with `full`, or when what defines a table changed, for all,
    and for all of the procedures `rebuild` (ids). History that has to be made anew is computed
    `elsewhere` if that is given, and with it the stored tables that are local to a process. Each
    table is built once, after those it reads, and can then be read by its plain name; one whose
    inputs are those of the last build is left as it is, and its key is in `kept`.
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
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._con = con
        self._procedures = procedures
        self._as_of = as_of
        self._time_zone = time_zone
        self._catalog = catalog
        self._tables = load_tables(procedures)
        self._built: set[Key] = set()
        self._full = full
        self.kept: set[Key] = set()
        self._is_history_bound = False
        self._is_derived = False
        self._reclaimer = Reclaimer(con, catalog)
        self._history = HistoryRefresher(
            con,
            self._tables,
            config,
            as_of=as_of,
            catalog=catalog,
            full=full,
            rebuild=rebuild,
            elsewhere=elsewhere,
            follow=self._store_local,
        )
        self._signatures = Signatures(
            con,
            self._tables,
            procedures,
            config,
            as_of=as_of,
            time_zone=time_zone,
            catalog=catalog,
        )
        for schema in ("core", "mart"):
            con.execute(f"create schema if not exists {catalog}.{schema}")

    def names(self, layer: Layer) -> list[str]:
        """The tables of a layer, each after those it reads; views of history are left out."""
        return [
            table.name
            for table in self._tables.values()
            if table.layer == layer and (layer, table.kind) != ("history", "view")
        ]

    def shown_history(self, layer: Layer, name: str) -> str:
        """The history table that a table shows as at the instant; empty when it does not."""
        return self._tables[layer, name].shows

    def refresh_history(self, name: str) -> Refreshed:
        """Bring a history table, and before it those it reads, up to the raw versions."""
        return self._history.refresh(name)

    def build(self, layer: Layer, name: str) -> int:
        """Build a core or mart table, and before it what it reads; the number of its rows."""
        self._bring_up((layer, name))
        return self._con.execute(f"select count(*) from {quoted(name)}").fetchall()[0][0]

    def next_change(self) -> datetime:
        """The first instant at which tables show more than longer durations, if nothing comes in.

        A day ends then, a clock runs out, or a version of a later instant is seen. Durations that
        run to the as_of grow at every instant, and what follows from them (an age, what is stalled,
        a curve) does not count. It is the as_of itself when a computed attribute reads `as_of`,
        which it may compare with anything.
        """
        derivations = plan_derivations(self._procedures).derivations
        if any("as_of" in (*d.reads, *d.child_reads) for d in derivations):
            return self._as_of
        self._bring_up(("step", "next_changes"))
        query = """
            select least(
                (select min(changes_at) from next_changes),
                (select min(updated_at) from raw.process_versions where updated_at > $as_of),
                (select min(updated_at) from raw.dimension_rows where updated_at > $as_of)
            )
        """
        return self._con.execute(query, {"as_of": self._as_of}).fetchall()[0][0]

    def build_all(self) -> None:
        """Build every table that has not been built."""
        for key in self._tables:
            self._bring_up(key)

    def _bring_up(self, key: Key) -> None:
        self._bind_inputs()
        if key[0] == "history":
            return
        if key in self._built:
            return
        table = self._tables[key]
        for upstream in upstreams(self._tables, table):
            self._bring_up(upstream)
        if table.kind == "view":
            self._bind(table.name, table.sql)
        else:
            self._store(table)
            self._bind(table.name, f"from {self._place(table)}")
        self._built.add(key)

    def _place(self, table: Table) -> str:
        layer = "core" if table.layer == "step" else table.layer
        return f"{self._catalog}.{layer}.{quoted(table.name)}"

    def _store(self, table: Table) -> None:
        if table.kind == "table":
            if not self._full and self._signatures.is_current(table):
                self.kept.add(table.key)
                return
            self._write(table, table.sql)
        elif not self._is_derived:
            # All computed tables at once: their attributes may read one another.
            plan = plan_derivations(self._procedures)
            Deriver(self._con, plan, catalog=self._catalog).derive(self._procedures)
            self._is_derived = True

    def _write(self, table: Table, query: str) -> None:
        with transaction(self._con):
            self._con.execute(f"create or replace table {self._place(table)} as {query}")
            self._signatures.keep(table)
        self._reclaimer.note_written()

    def _store_local(self, computing: Computing) -> None:
        """Store the tables that are local to a process as they are computed elsewhere.

        The whole tables that they read are built first, by this process.
        """
        self._bind_inputs()
        local = [table for table in self._tables.values() if is_local(table)]
        stored = [table for table in local if table.kind == "table"]
        keys = [table.key for table in stored]
        for key in local_and_given(self._tables, keys)[1]:
            self._bring_up(key)
        found = computing(*plan_local(self._con, self._tables, keys))
        for table in stored:
            self._write(table, found[table.name])
            self._bind(table.name, f"from {self._place(table)}")
            self._built.add(table.key)

    def _bind_inputs(self) -> None:
        """Refresh all history, and let it, raw and config tables be read by plain names."""
        if self._is_history_bound:
            return
        # Binds names of history to the processes it redoes: no table may be bound yet.
        for name in self.names("history"):
            self._history.refresh(name)
        for name in self.names("history"):
            self._bind(f"history_{name}", f"from {self._catalog}.history.{quoted(name)}")
        for name, table in RAW_RELATIONS.items():
            self._bind(name, f"from raw.{table}")
        for name in CONFIG_TABLES:
            self._bind(name, f"from config.{name}")
        instant, zone = instant_sql(self._as_of), literal(self._time_zone)
        self._bind("build", f"select {instant} as as_of, {zone} as time_zone")
        self._is_history_bound = True

    def _bind(self, name: str, query: str) -> None:
        self._con.execute(f"create or replace temp view {quoted(name)} as {query}")


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
