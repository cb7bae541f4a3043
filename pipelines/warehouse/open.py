"""The warehouse: the one writable database, with every version and the ledger of files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.settings import Settings
from pipelines.warehouse.file_errors import opening
from pipelines.warehouse.lease import OnWait, hold_lease, keep_writers_out
from pipelines.warehouse.leftovers import remove_leftovers
from pipelines.warehouse.rights import restrict
from pipelines.warehouse.schema_version import bring_up_schema, require_schema
from pipelines.warehouse.umask import private_files
from schemas.errors import CorruptWarehouse, OperationError
from transforms.engine import ENGINE_SETTINGS
from transforms.macros.load import MACROS

RAW_TABLES = """
create schema if not exists raw;
create schema if not exists config;

create table if not exists raw.process_versions (
    process_id uuid not null,
    team_id uuid not null,
    procedure_id uuid not null,
    state_id uuid not null,
    status varchar not null,
    created_at timestamp not null,
    updated_at timestamp not null,
    is_deleted boolean not null,
    created_by uuid,
    assigned_to uuid,
    first_assigned_to uuid,
    pod_id uuid,
    entity_id uuid,
    record_id uuid,
    primary_booking_id uuid,
    parent_procedure uuid,
    parent_process_id uuid,
    next_action_at timestamp,
    completed_at timestamp,
    cancelled_at timestamp,
    first_assigned_at timestamp,
    last_assigned_at timestamp,
    data json not null,
    derived_data json not null,
    data_hash ubigint not null,
    derived_data_hash ubigint not null,
    ingest_seq bigint not null,
    batch_seq bigint not null,
    is_erased boolean default false
);

create table if not exists raw.quarantine (
    ingest_seq bigint not null,
    batch_seq bigint not null,
    file_seq bigint not null,
    line bigint,
    rules varchar[] not null,
    process_id varchar,
    procedure varchar,
    raw_text varchar,
    quarantined_at timestamp not null,
    n_lines bigint default 1
);

create table if not exists raw.violations (
    ingest_seq bigint not null,
    batch_seq bigint not null,
    process_id uuid not null,
    procedure_id uuid not null,
    rule varchar not null,
    severity varchar not null,
    column_name varchar not null,
    value varchar,
    updated_at timestamp not null
);

create table if not exists raw.ingest_files (
    file_seq bigint not null,
    batch_seq bigint not null,
    sha256 varchar not null,
    file_name varchar not null,
    format varchar not null,
    status varchar not null,
    problem varchar,
    bytes bigint not null,
    lines bigint not null,
    accepted bigint not null,
    duplicates bigint not null,
    quarantined bigint not null,
    blank bigint not null,
    ingested_at timestamp not null,
    content varchar default 'processes',
    added bigint default 0,
    source varchar,
    source_fingerprint varchar,
    erased bigint default 0,
    former_sha256 varchar[] default []
);

create table if not exists raw.dimension_rows (
    dimension varchar not null,
    id uuid not null,
    name varchar,
    data json not null,
    ingest_seq bigint not null,
    batch_seq bigint not null,
    process_id uuid,
    updated_at timestamp
);

create table if not exists raw.erasures (
    erasure_no bigint not null,
    erased_at timestamp not null,
    kind varchar not null,
    subject_hash varchar,
    processes bigint not null,
    versions bigint not null,
    violations bigint not null,
    dimension_rows bigint not null,
    quarantined_lines bigint not null,
    landing_lines bigint not null,
    searched_values bigint,
    searched_columns bigint,
    searched_files bigint,
    matches bigint
);

create table if not exists raw.erased (
    erasure_no bigint not null,
    kind varchar not null,
    attribute varchar,
    hash varchar not null,
    until timestamp
);

create table if not exists raw.validated_by (
    procedure_id uuid not null,
    fingerprint varchar not null
);

create table if not exists raw.landing_paths (
    file_name varchar not null,
    bytes bigint not null,
    mtime_ns bigint not null,
    sha256 varchar not null,
    ctime_ns bigint
);
"""


WHEN_DAMAGED = (
    "Move it away and restore a backup, or run again with all landing files; the published "
    "database is untouched."
)


@contextmanager
def open_warehouse(
    settings: Settings,
    *,
    purpose: str,
    on_wait: OnWait = lambda _: None,
    on_note: Callable[[str], None] = lambda _: None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse for writing, its tables made where they are missing.

    `on_note` gets a sentence when tables of an earlier version were migrated.

    Raises `WarehouseBusy` when another process holds it, `CorruptWarehouse` when the file is
    damaged, and `OperationError` when it is not a warehouse, a newer leadtime wrote it or this user
    may not write to it.
    """
    with (
        hold_warehouse(settings, purpose=purpose, on_wait=on_wait),
        connect_held(settings, on_note=on_note) as con,
    ):
        yield con


@contextmanager
def hold_warehouse(
    settings: Settings, *, purpose: str, on_wait: OnWait = lambda _: None
) -> Iterator[None]:
    """Hold the lease of the warehouse; only inside may `connect_held` be called."""
    with (
        private_files(),
        hold_lease(
            settings.data, purpose=purpose, wait_seconds=settings.wait_seconds, on_wait=on_wait
        ),
    ):
        yield


@contextmanager
def connect_held(
    settings: Settings, *, on_note: Callable[[str], None] = lambda _: None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse for writing, for a caller that holds its lease.

    Raises `CorruptWarehouse` and `OperationError` as `open_warehouse` does.
    """
    path = settings.warehouse
    with opening(path, when_damaged=WHEN_DAMAGED, damaged=CorruptWarehouse):
        restrict(settings)
        remove_leftovers(settings)
        con = _connect(path, settings, read_only=False)
        try:
            _is_ours(con, path)
            note = bring_up_schema(con, path, tables=RAW_TABLES)
            if note:
                on_note(note)
            con.execute(MACROS)
            yield con
        finally:
            con.close()
            remove_leftovers(settings)


@contextmanager
def read_warehouse(
    settings: Settings, *, on_wait: OnWait = lambda _: None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse for reading; it takes the lease too, because a reader blocks a writer.

    Raises `OperationError` when there is none yet, and else what `open_warehouse` raises.
    """
    path = settings.warehouse
    require_warehouse(settings)
    with (
        keep_writers_out(settings.data, wait_seconds=settings.wait_seconds, on_wait=on_wait),
        opening(path, when_damaged=WHEN_DAMAGED, damaged=CorruptWarehouse),
    ):
        con = _connect(path, settings, read_only=True)
        try:
            if not _is_ours(con, path):
                raise _no_warehouse(settings)  # a run is creating it at this moment
            require_schema(con, path)
            yield con
        finally:
            con.close()


def require_warehouse(settings: Settings) -> None:
    """Raise `OperationError` when there is no warehouse yet."""
    if not settings.warehouse.exists():
        raise _no_warehouse(settings)


def _no_warehouse(settings: Settings) -> OperationError:
    action = "Make one with `leadtime run --landing DIR`, or see `leadtime demo`."
    return OperationError(str(settings.warehouse), "there is no warehouse yet", action)


def _is_ours(con: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Whether the file has our tables; False when it has none at all.

    Raises `OperationError` when it has other tables only.
    """
    query = "select schema_name, table_name from duckdb_tables() where not internal"
    tables = con.execute(query).fetchall()
    if tables and ("raw", "process_versions") not in tables:
        found = "is not a leadtime warehouse (it has no table raw.process_versions)"
        action = "Move it away, or choose another folder with --data."
        raise OperationError(str(path), found, action)
    return bool(tables)


def _connect(path: Path, settings: Settings, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    if not read_only:
        settings.temporary.mkdir(0o700, exist_ok=True)
    return duckdb.connect(
        path,
        read_only=read_only,
        config={
            **ENGINE_SETTINGS,
            "memory_limit": settings.memory_limit,
            "threads": settings.threads,
            "temp_directory": str(settings.temporary),
            # At each checkpoint DuckDB writes the last, unfilled part of a table anew.
            "checkpoint_threshold": "256MB",
        },
    )
