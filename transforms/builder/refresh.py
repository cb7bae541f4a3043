"""Refreshes history tables: finds the processes to redo since the last build, and redoes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

import duckdb
import polars as pl

from transforms.builder.bindings import Bindings, Since
from transforms.builder.fingerprints import Fingerprints
from transforms.builder.kernel import (
    Computing,
    Elsewhere,
    compute,
    plan_history,
    rows_of_bucket,
    with_views,
)
from transforms.builder.reclaim import Reclaimer
from transforms.builder.signatures import change_signature, create_signatures
from transforms.builder.tables import Key, Table, upstreams
from transforms.transaction import transaction

_LAST_BATCH = """
    select greatest(
        (select max(batch_seq) from raw.process_versions),
        (select max(batch_seq) from raw.dimension_rows where updated_at is not null)
    )
"""
Mode = Literal["full", "incremental", "current"]

BUCKET_VERSIONS = 500_000
"""About how many versions a full build takes at a time, so that they fit in memory."""


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did: how, over how many processes, and the rows of the table afterwards."""

    table: str
    mode: Mode
    processes: int
    rows: int


@dataclass(frozen=True)
class _Mark:
    """What a table holds: the versions until `as_of` of the batches up to `batch_seq`.

    `fingerprint` is that of its code, `definitions` those of what it reads of each procedure.
    """

    batch_seq: int
    as_of: datetime
    fingerprint: str
    definitions: Mapping[str, str]


class HistoryRefresher:
    """Brings the history tables of one warehouse up to the raw versions, as at `as_of`.

    A table is redone for the processes touched since it was last built: those with new versions,
    tasks or calls, those with some between the two instants, whichever is earlier, and those of
    procedures whose states or transitions changed, or that `rebuild` has (ids). With `full`, or
    when the code of a table changed, all are redone; `elsewhere` then computes them, if given, and
    after them what `follow` asks it for.
    Works for one state of the raw tables.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        tables: Mapping[Key, Table],
        config: Mapping[str, pl.DataFrame],
        *,
        as_of: datetime,
        catalog: str,
        full: bool,
        rebuild: Sequence[str] = (),
        elsewhere: Elsewhere | None = None,
        follow: Callable[[Computing], None] = lambda _: None,
    ) -> None:
        self._con = con
        self._tables = tables
        self._fingerprints = Fingerprints(tables, config)
        self._as_of = as_of
        self._catalog = catalog
        self._full = full
        self._rebuild_ids = frozenset(rebuild)
        self._elsewhere = elsewhere
        self._follow = follow
        self._done: dict[str, Refreshed] = {}
        self._reclaimer = Reclaimer(con, catalog)
        self._bindings = Bindings(con, tables, as_of=as_of, catalog=catalog)
        con.execute(f"create schema if not exists {catalog}.history")
        con.execute(
            f"create table if not exists {catalog}.history.watermarks (table_name varchar, "
            "batch_seq bigint, as_of timestamp, fingerprint varchar, definitions varchar)"
        )
        create_signatures(con, catalog)

    def refresh(self, name: str) -> Refreshed:
        """Bring a table, and before it those it reads, up to the raw versions."""
        if name not in self._done:
            table = self._tables["history", name]
            for upstream in self._stored_upstreams(table):
                self.refresh(upstream)
            if name in self._done:
                pass  # rebuilt with one that it reads
            elif self._is_stale(table):
                self._rebuild(table)
            else:
                self._done[name] = self._update(table, self._marks[name])
        return self._done[name]

    def _is_stale(self, table: Table) -> bool:
        """Whether a table has to be made anew from all versions."""
        mark = self._marks.get(table.name)
        is_known = mark is not None and mark.fingerprint == self._fingerprints.of_code(table)
        return self._full or not is_known

    @cached_property
    def _last_batch(self) -> int:
        return self._scalar(_LAST_BATCH) or 0

    @cached_property
    def _n_versions(self) -> int:
        return self._count("raw.process_versions")

    @cached_property
    def _marks(self) -> dict[str, _Mark]:
        query = f"""
            select table_name, batch_seq, as_of, fingerprint, definitions
            from {self._catalog}.history.watermarks
        """
        rows = self._con.execute(query).fetchall()
        return {
            name: _Mark(batch, as_of, fingerprint, json.loads(definitions))
            for name, batch, as_of, fingerprint, definitions in rows
        }

    def _rebuild(self, table: Table) -> None:
        if self._elsewhere is not None:
            self._rebuild_elsewhere(self._elsewhere)
            return
        n_buckets = -(-self._n_versions // BUCKET_VERSIONS)
        if n_buckets > 1:
            self._rebuild_in_buckets(n_buckets)
            return
        self._bindings.bind_all()
        self._bindings.bind_history(table)
        place = self._place(table.name)
        with transaction(self._con):
            self._con.execute(f"create or replace table {place} as {table.sql}")
            self._change(table)
        self._reclaimer.note_written()
        self._note_rebuilt(table, self._bindings.n_touched)

    def _rebuild_in_buckets(self, n_buckets: int) -> None:
        """Rebuild all stale tables, for one bucket of processes after the other.

        What is computed at a time then fits in memory, however many versions there are. Until the
        end none of these tables has a mark.
        """
        stale = self._stale_tables()
        current = {
            name: None
            for table in stale.values()
            for name in self._stored_upstreams(table)
            if name not in stale
        }
        for name in current:
            self.refresh(name)
        for name in stale:
            self._drop_mark(name)
        self._bindings.split(n_buckets)
        n_processes = 0
        for bucket in range(n_buckets):
            self._bindings.bind_bucket(bucket)
            n_processes += self._bindings.n_touched
            self._bindings.bind_stored(current)
            compute(self._con, with_views(self._tables, stale))
            for name in stale:
                place, rows = self._place(name), rows_of_bucket(name)
                into = f"insert into {place}" if bucket else f"create or replace table {place} as"
                self._con.execute(f"{into} from {rows}")
        self._bindings.free_bucket(stale)
        for table in stale.values():
            with transaction(self._con):
                self._change(table)
            self._note_rebuilt(table, n_processes)

    def _rebuild_elsewhere(self, elsewhere: Elsewhere) -> None:
        """Rebuild all tables from what is computed elsewhere; until the end none has a mark.

        What follows from them may be computed there too, before the block ends.
        """
        inputs = self._bindings.inputs
        plan = plan_history(self._con, self._tables, inputs)
        for table in plan.stored:
            self._drop_mark(table.name)
        # Computed over no process, each table has the columns and types it always has.
        self._bindings.bind_none()
        compute(self._con, plan.tables)
        for table in plan.stored:
            place, rows = self._place(table.name), rows_of_bucket(table.name)
            self._con.execute(f"create or replace table {place} as from {rows}")
            self._con.execute(f"drop table {rows}")
        with elsewhere(self._con, self._n_versions) as computing:
            found = computing(plan, inputs)
            for table in plan.stored:
                with transaction(self._con):
                    place = self._place(table.name)
                    self._con.execute(f"insert into {place} by name {found[table.name]}")
                    self._change(table)
            n_processes = self._count(self._place("processes"))
            for table in plan.stored:
                self._note_rebuilt(table, n_processes)
            self._follow(computing)

    def _stale_tables(self) -> dict[str, Table]:
        """The stored tables that are stale, or read one that is; each after those it reads."""
        found: dict[str, Table] = {}
        for (layer, name), table in self._tables.items():
            if (layer, table.kind) == ("history", "table") and (
                self._is_stale(table) or found.keys() & self._stored_upstreams(table)
            ):
                found[name] = table
        return found

    def _note_rebuilt(self, table: Table, n_processes: int) -> None:
        rows = self._count(self._place(table.name))
        self._done[table.name] = Refreshed(table.name, "full", n_processes, rows)

    def _update(self, table: Table, mark: _Mark) -> Refreshed:
        definitions = self._fingerprints.of_definitions(table)
        both = {*mark.definitions, *definitions}
        differs = {p for p in both if mark.definitions.get(p) != definitions.get(p)}
        changed = tuple(sorted(differs | self._rebuild_ids))
        self._bindings.bind_touched(Since(mark.batch_seq, mark.as_of, changed))
        place = self._place(table.name)
        if self._bindings.n_touched == 0:
            with transaction(self._con):
                self._move_mark(table)
            return Refreshed(table.name, "current", 0, self._count(place))
        self._bindings.bind_history(table)
        with transaction(self._con):
            self._con.execute(
                f"delete from {place} where process_id in (select process_id from touched)"
            )
            self._con.execute(f"insert into {place} by name {table.sql}")
            self._change(table)
        self._reclaimer.note_written()
        return Refreshed(table.name, "incremental", self._bindings.n_touched, self._count(place))

    def _stored_upstreams(self, table: Table) -> list[str]:
        """The history tables that a table reads, itself or through views."""
        found: list[str] = []
        for key in upstreams(self._tables, table):
            read = self._tables[key]
            found += self._stored_upstreams(read) if read.kind == "view" else [read.name]
        return found

    def _change(self, table: Table) -> None:
        """Note that the rows of a table have changed, and are those of this build."""
        self._move_mark(table)
        why = f"{self._as_of} {self._last_batch}"
        change_signature(self._con, self._catalog, table, why)

    def _drop_mark(self, name: str) -> None:
        place = f"{self._catalog}.history.watermarks"
        self._con.execute(f"delete from {place} where table_name = $name", {"name": name})

    def _move_mark(self, table: Table) -> None:
        self._drop_mark(table.name)
        self._con.execute(
            f"insert into {self._catalog}.history.watermarks by name "
            "select $name as table_name, $batch as batch_seq, $as_of as as_of, "
            "$fingerprint as fingerprint, $definitions as definitions",
            {
                "name": table.name,
                "batch": self._last_batch,
                "as_of": self._as_of,
                "fingerprint": self._fingerprints.of_code(table),
                "definitions": json.dumps(self._fingerprints.of_definitions(table), sort_keys=True),
            },
        )

    def _place(self, name: str) -> str:
        return f'{self._catalog}.history."{name}"'

    def _count(self, relation: str) -> int:
        return self._scalar(f"select count(*) from {relation}")

    def _scalar(self, query: str) -> int:
        return self._con.execute(query).fetchall()[0][0]
