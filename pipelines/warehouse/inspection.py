"""Inspection of a warehouse without changing it: every block, and a sample that is rebuilt."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import duckdb

from pipelines.settings import Settings
from pipelines.warehouse.file_errors import opening
from pipelines.warehouse.lease import OnWait, keep_writers_out
from pipelines.warehouse.open import RAW_TABLES, WHEN_DAMAGED, require_warehouse
from schemas.definitions.procedure import Procedures
from schemas.errors import CorruptWarehouse, OperationError
from schemas.records.all_rules import all_rules
from schemas.sql_text import literal, quoted
from transforms.builder.builder import Builder
from transforms.config.tables import config_frames, write_config
from transforms.macros.load import MACROS

_SAMPLED_SHARE = 100  # one process in so many


@contextmanager
def inspect_warehouse(
    settings: Settings, *, on_wait: OnWait = lambda _: None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory with the warehouse attached as `warehouse`, for reading only.

    Raises `OperationError` when there is no warehouse, `WarehouseBusy` when another process holds
    it, and `CorruptWarehouse` when a block of it that is read in the block is damaged.
    """
    path = settings.warehouse
    require_warehouse(settings)
    with (
        keep_writers_out(settings.data, wait_seconds=settings.wait_seconds, on_wait=on_wait),
        opening(path, when_damaged=WHEN_DAMAGED, damaged=CorruptWarehouse),
        duckdb.connect(
            config={"memory_limit": settings.memory_limit, "threads": settings.threads}
        ) as con,
    ):
        con.execute(f"attach {literal(str(path))} as warehouse (read_only)")
        yield con


def read_every_block(con: duckdb.DuckDBPyConnection, database: str) -> int:
    """Read all columns of all tables of an attached database; the number of rows.

    DuckDB compares the checksum of each block that it reads, and raises `duckdb.Error` for a
    damaged one.
    """
    query = """
        select schema_name, table_name from duckdb_tables()
        where database_name = $database order by all
    """
    rows = 0
    for schema, name in con.execute(query, {"database": database}).fetchall():
        place = f"{quoted(database)}.{quoted(schema)}.{quoted(name)}"
        counting = f"select count(*), bit_xor(hash(t)) from {place} as t"
        rows += con.execute(counting).fetchall()[0][0]
    return rows


def rebuild_sample(
    con: duckdb.DuckDBPyConnection, procedures: Procedures
) -> tuple[int, dict[str, int]]:
    """Build the history of one per cent of the processes from their raw versions, and compare.

    Returns the number of processes, and for each history table how many of its rows differ; only
    tables with differences. Processes with versions, tasks or calls that no run has built yet are
    left out. Raises `OperationError` when nothing has been built, or the definitions have changed
    since.
    """
    marks = con.execute(_MARKS).fetchall()
    if not marks or marks[0][0] is None:
        raise OperationError("warehouse", "no table has been built yet", "Run `leadtime run`.")
    batch_seq, as_of = marks[0]
    con.execute(_SAMPLE, {"batch": batch_seq, "as_of": as_of, "share": _SAMPLED_SHARE})
    builder = _build(con, procedures, as_of)
    different: dict[str, int] = {}
    for name in builder.names("history"):
        builder.refresh_history(name)
        stored = f"(from warehouse.history.{quoted(name)} semi join main.sample using (process_id))"
        built = f"(from memory.history.{quoted(name)} semi join main.sample using (process_id))"
        query = f"""
            select
                (select count(*) from (from {stored} except all from {built}))
                + (select count(*) from (from {built} except all from {stored}))
        """
        if rows := con.execute(query).fetchall()[0][0]:
            different[name] = rows
    return con.execute("select count(*) from main.sample").fetchall()[0][0], different


def _build(con: duckdb.DuckDBPyConnection, procedures: Procedures, as_of: datetime) -> Builder:
    """A builder over the raw versions of the sample, in the database in memory."""
    con.execute(RAW_TABLES)
    con.execute(MACROS)
    con.execute(
        "insert into memory.raw.process_versions by name "
        "from warehouse.raw.process_versions semi join main.sample using (process_id)"
    )
    con.execute(_ACTIVITIES_OF_SAMPLE)
    rules = all_rules(procedures)
    frames = config_frames(list(procedures), rules, calendars=procedures.calendars)
    write_config(con, frames)
    for name in ("states", "transitions", "procedure_calendars"):
        query = f"""
            select count(*) from (
                (from warehouse.config.{name} except all from memory.config.{name})
                union all
                (from memory.config.{name} except all from warehouse.config.{name})
            )
        """
        # An earlier version of leadtime may have built them with other columns.
        described = con.execute(f"describe warehouse.config.{name}").fetchall()
        is_alike = [column for column, *_ in described] == frames[name].columns
        if not is_alike or con.execute(query).fetchall()[0][0]:
            found = "have changed since the tables were built"
            raise OperationError("definitions", found, "Run `leadtime run`, then verify again.")
    return Builder(
        con, procedures, frames, as_of=as_of, time_zone="UTC", catalog="memory", full=True
    )


_MARKS = "select min(batch_seq), max(as_of) from warehouse.history.watermarks"

# The hash chooses the same processes each time, and others than the order of their ids.
_SAMPLE = """
    create or replace table main.sample as
    with built as (
        select process_id
        from warehouse.raw.process_versions
        group by process_id
        having max(batch_seq) <= $batch and min(updated_at) <= $as_of
        except
        select process_id
        from warehouse.raw.dimension_rows
        where
            process_id is not null
            and (dimension, id) in (
                select (dimension, id) from warehouse.raw.dimension_rows where batch_seq > $batch
            )
    ),

    numbered as (
        select process_id, row_number() over (order by hash(process_id), process_id) as place
        from built
    )

    select process_id
    from numbered
    where place % $share = 1
"""

# Of a task or call that was about a process of the sample also the versions about others.
_ACTIVITIES_OF_SAMPLE = """
    insert into memory.raw.dimension_rows by name
    from warehouse.raw.dimension_rows
    where (dimension, id) in (
        select (dimension, id)
        from warehouse.raw.dimension_rows
        semi join main.sample using (process_id)
    )
"""
