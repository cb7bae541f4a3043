"""Binds what history tables read by plain name: the versions and history of some processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from transforms.builder.kernel import Inputs, bind_inputs, bind_table, rows_of_bucket
from transforms.builder.tables import Key, Table, upstreams

_BUCKETS = """\
create or replace temp table process_buckets as
select process_id, bucket_of(process_id, {n_buckets}) as bucket
from (
    select process_id from raw.process_versions
    union
    select coalesce(process_id, no_process()) from raw.dimension_rows where updated_at is not null
)"""
# Of tasks and calls, the versions that have an instant, which rows of dimensions lack. One that
# went to another process is of that process alone.
_ACTIVITIES = """\
select
    dimension,
    id,
    coalesce(process_id, no_process()) as process_id,
    updated_at,
    data,
    ingest_seq
from raw.dimension_rows
where updated_at <= {as_of}
qualify
    row_number() over (partition by dimension, id order by updated_at desc, ingest_seq desc) = 1"""
# With all processes that a task or call was ever about.
_TOUCHED_BY_ACTIVITIES = """\
select distinct coalesce(process_id, no_process())
from raw.dimension_rows
where (dimension, id) in (
    select (dimension, id) from raw.dimension_rows
    where
        updated_at is not null
        and (
            batch_seq > {batch_seq}
            or (updated_at > {earlier} and updated_at <= {later})
        )
)"""


@dataclass(frozen=True)
class Since:
    """What a table has: the versions until `as_of` of the batches up to `batch_seq`.

    `changed` are the ids of procedures all of whose processes have to be done again.
    """

    batch_seq: int
    as_of: datetime
    changed: tuple[str, ...] = ()


class Bindings:
    """Binds `raw_versions`, `versions`, `raw_activities`, `touched` and history, as at `as_of`.

    `raw_activities` are the tasks and calls about the processes, each in its latest version.

    `n_touched` is the number of processes that are bound.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        tables: Mapping[Key, Table],
        *,
        as_of: datetime,
        catalog: str,
    ) -> None:
        self.n_touched = 0
        self._con = con
        self._tables = tables
        self._as_of = as_of
        self._catalog = catalog
        self._bound: object = None

    def bind_all(self) -> None:
        """Bind the versions of all processes."""
        if self._bound != "all":
            bind_inputs(self._con, self.inputs)
            query = "select count(distinct process_id) from versions"
            self.n_touched = self._con.execute(query).fetchall()[0][0]
            self._bound = "all"

    def bind_touched(self, since: Since) -> None:
        """Bind the versions of the processes that were touched since."""
        if self._bound == since:
            return
        # The instant may also have moved back: versions that were seen then are not any more.
        earlier, later = map(instant_sql, sorted([since.as_of, self._as_of]))
        by_activities = _TOUCHED_BY_ACTIVITIES.format(
            batch_seq=since.batch_seq, earlier=earlier, later=later
        )
        self._touch(
            f"select process_id from raw.process_versions "
            f"where batch_seq > {since.batch_seq} "
            f"or (updated_at > {earlier} and updated_at <= {later}) "
            f"or list_contains($changed, procedure_id::varchar) union {by_activities}",
            {"changed": list(since.changed)},
        )
        bind_inputs(self._con, self._touched_inputs)
        self._bound = since

    def bind_none(self) -> None:
        """Bind no process, so that tables get their columns and no rows."""
        self._touch("select process_id from raw.process_versions where false")
        bind_inputs(self._con, self._touched_inputs)
        self._bound = None

    def split(self, n_buckets: int) -> None:
        """Divide all processes into buckets, to be bound one by one."""
        self._con.execute(_BUCKETS.format(n_buckets=n_buckets))

    def bind_bucket(self, bucket: int) -> None:
        """Bind the versions of the processes of a bucket, from 0; their text is read only once."""
        self._touch(f"select process_id from process_buckets where bucket = {bucket}")
        self._con.execute(
            f"create or replace temp table bucket_versions as {self._touched_versions}"
        )
        bind_inputs(self._con, {**self._touched_inputs, "raw_versions": "from bucket_versions"})
        self._bound = bucket

    def free_bucket(self, computed: Iterable[str]) -> None:
        """Drop what is held of a bucket, with its rows of the tables `computed`."""
        for rows in ("bucket_versions", "process_buckets", *map(rows_of_bucket, computed)):
            self._con.execute(f"drop table {rows}")

    def bind_history(self, table: Table) -> None:
        """Bind the history that `table` reads, of the processes that are bound."""
        for key in upstreams(self._tables, table):
            read = self._tables[key]
            if read.kind == "view":
                self.bind_history(read)
                bind_table(self._con, read.name, read.sql)
            else:
                self.bind_stored([read.name])

    def bind_stored(self, names: Iterable[str]) -> None:
        """Bind these stored tables, for the processes that are bound."""
        for name in names:
            place = f'{self._catalog}.history."{name}"'
            bound = "" if self._bound == "all" else " semi join touched using (process_id)"
            bind_table(self._con, name, f"from {place}{bound}")

    @property
    def inputs(self) -> Inputs:
        """The versions and activities of all processes."""
        versions = f"from raw.process_versions where {self._seen}"
        return {"raw_versions": versions, "raw_activities": self._activities}

    @property
    def _seen(self) -> str:
        return f"updated_at <= {instant_sql(self._as_of)}"

    @property
    def _activities(self) -> str:
        return _ACTIVITIES.format(as_of=instant_sql(self._as_of))

    @property
    def _touched_versions(self) -> str:
        return f"from raw.process_versions semi join touched using (process_id) where {self._seen}"

    @property
    def _touched_inputs(self) -> Inputs:
        activities = f"from ({self._activities}) semi join touched using (process_id)"
        return {"raw_versions": self._touched_versions, "raw_activities": activities}

    def _touch(self, query: str, parameters: Mapping[str, object] | None = None) -> None:
        self._con.execute(f"create or replace temp table touched as {query}", parameters or {})
        self.n_touched = self._con.execute("select count(*) from touched").fetchall()[0][0]


def instant_sql(instant: datetime) -> str:
    """An instant (UTC, without a zone) as a SQL literal."""
    return f"timestamp '{instant.isoformat(sep=' ')}'"
