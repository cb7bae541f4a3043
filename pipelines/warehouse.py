"""The warehouse: the one database that holds every version, and the tables of the way in.

How tables come from tables belongs to `transforms/`; who may write is `lease.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.lease import OnWait, hold_lease, keep_writers_out
from pipelines.settings import Settings
from pipelines.storage import opening
from schemas.errors import OperationError, SourceError
from transforms.tables import MACROS

# Lines are numbered within a file and files in the order they came; one number orders both.
LINES_PER_FILE = 10_000_000_000

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
    batch_seq bigint not null
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
    quarantined_at timestamp not null
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
    ingested_at timestamp not null
);

alter table raw.ingest_files add column if not exists content varchar default 'processes';

create table if not exists raw.dimension_rows (
    dimension varchar not null,
    id uuid not null,
    name varchar,
    data json not null,
    ingest_seq bigint not null,
    batch_seq bigint not null
);

create table if not exists raw.judged_by (
    procedure_id uuid not null,
    fingerprint varchar not null
);

create table if not exists raw.landing_paths (
    file_name varchar not null,
    bytes bigint not null,
    mtime_ns bigint not null,
    sha256 varchar not null
);
"""


_WHEN_DAMAGED = (
    "Move it away and run again with all landing files; the published database is untouched."
)


@contextmanager
def open_warehouse(
    settings: Settings, *, purpose: str, on_wait: OnWait = lambda _: None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse for writing, its tables made where they are missing.

    Raises `WarehouseBusy` when another process holds it, and `OperationError` when the file is
    damaged, of another origin or not to be written by this user.
    """
    path = settings.warehouse
    with (
        hold_lease(
            settings.data, purpose=purpose, wait_seconds=settings.wait_seconds, on_wait=on_wait
        ),
        opening(path, when_damaged=_WHEN_DAMAGED),
    ):
        con = _connect(path, settings, read_only=False)
        try:
            _is_ours(con, path)
            con.execute(RAW_TABLES)
            con.execute(MACROS)
            yield con
        finally:
            con.close()


@contextmanager
def read_warehouse(
    settings: Settings, *, on_wait: OnWait = lambda _: None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse for reading; takes the lease too, as a reader would block a writer.

    Raises `SourceError` when there is none yet, and otherwise as `open_warehouse` does.
    """
    path = settings.warehouse
    missing = SourceError(
        str(path),
        "there is no warehouse yet",
        "Make one with `leadtime run --landing DIR`, or see `leadtime demo`",
    )
    if not path.exists():
        raise missing
    with (
        keep_writers_out(settings.data, wait_seconds=settings.wait_seconds, on_wait=on_wait),
        opening(path, when_damaged=_WHEN_DAMAGED),
    ):
        con = _connect(path, settings, read_only=True)
        try:
            if not _is_ours(con, path):
                raise missing  # a run has only just begun to make it
            yield con
        finally:
            con.close()


def _is_ours(con: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Whether the tables are there; False when the file is empty.

    Raises `OperationError` when it holds tables, but not ours.
    """
    query = "select schema_name, table_name from duckdb_tables() where not internal"
    tables = con.execute(query).fetchall()
    if tables and ("raw", "process_versions") not in tables:
        found = "is no warehouse of leadtime (it has no table raw.process_versions)"
        action = "Move it away, or choose another folder with --data."
        raise OperationError(str(path), found, action)
    return bool(tables)


def _connect(path: Path, settings: Settings, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    spill = settings.data / "tmp"
    if not read_only:
        spill.mkdir(parents=True, exist_ok=True)
    return duckdb.connect(
        path,
        read_only=read_only,
        config={
            "memory_limit": settings.memory_limit,
            "threads": settings.threads,
            "temp_directory": str(spill),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
        },
    )
