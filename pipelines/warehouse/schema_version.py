"""The schema version of a warehouse: older tables are migrated, newer ones are refused.

Add a version when the stored tables change in a way that `create ... if not exists` cannot follow:
raise `SCHEMA_VERSION`, and say in `_MIGRATIONS` how a warehouse gets there.
"""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import duckdb

from schemas.errors import OperationError
from transforms.transaction import transaction

SCHEMA_VERSION = 7

# By the version they start from. History follows from raw versions: without its watermarks, as
# from version 1, the next build rebuilds it.
_MIGRATIONS: Mapping[int, tuple[str, ...]] = {
    1: (
        "alter table raw.ingest_files add column if not exists content varchar default 'processes'",
        "alter table if exists raw.landing_paths add column if not exists ctime_ns bigint",
        "drop table if exists history.watermarks",
    ),
    2: ("alter table if exists raw.judged_by rename to validated_by",),
    3: ("alter table raw.quarantine add column if not exists n_lines bigint default 1",),
    4: (
        "alter table raw.ingest_files add column if not exists added bigint default 0",
        "alter table raw.ingest_files add column if not exists source varchar",
        "alter table raw.ingest_files add column if not exists source_fingerprint varchar",
    ),
    5: (
        "alter table raw.process_versions add column if not exists is_erased boolean default false",
        "alter table raw.ingest_files add column if not exists erased bigint default 0",
        "alter table raw.ingest_files add column if not exists former_sha256 varchar[] default []",
    ),
    6: (
        "alter table if exists raw.dimension_rows add column if not exists process_id uuid",
        "alter table if exists raw.dimension_rows add column if not exists updated_at timestamp",
    ),
}
_TABLE = "raw.schema_version"
_UNVERSIONED = 1  # before the version was stored


def bring_up_schema(con: duckdb.DuckDBPyConnection, path: Path, *, tables: str) -> str:
    """Bring a warehouse to `SCHEMA_VERSION` with one transaction; `tables` makes missing tables.

    Gives a sentence on what was migrated, or an empty text. Raises `OperationError` when a newer
    leadtime wrote the warehouse; nothing is changed then.
    """
    found = _found_version(con, path)
    with transaction(con):
        for start in range(found, SCHEMA_VERSION) if found else ():
            for statement in _MIGRATIONS[start]:
                con.execute(statement)
        con.execute(tables)
        if found != SCHEMA_VERSION:
            con.execute(
                f"create or replace table {_TABLE} as select $schema::integer as version, "
                "$leadtime as leadtime_version",
                {"schema": SCHEMA_VERSION, "leadtime": version("leadtime")},
            )
    if found in (0, SCHEMA_VERSION):
        return ""
    rebuilt = ", and its history is rebuilt" if found == _UNVERSIONED else ""
    return (
        f"The warehouse had schema {found} of an earlier version of leadtime: it was migrated to "
        f"schema {SCHEMA_VERSION}{rebuilt}"
    )


def require_schema(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raise `OperationError` when the tables of a warehouse have another version."""
    found = _found_version(con, path)
    if found != SCHEMA_VERSION:
        raise OperationError(
            str(path),
            f"has schema {found}, but this version of leadtime reads schema {SCHEMA_VERSION}",
            "Migrate it with `leadtime run`",
        )


def _found_version(con: duckdb.DuckDBPyConnection, path: Path) -> int:
    """The version of the tables, 0 where there are none.

    Raises `OperationError` when it is newer than `SCHEMA_VERSION`.
    """
    query = "select table_name from duckdb_tables() where schema_name = 'raw' and not temporary"
    tables = {name for (name,) in con.execute(query).fetchall()}
    if not tables:
        return 0
    if "schema_version" not in tables:
        return _UNVERSIONED
    ((found, writer),) = con.execute(f"select version, leadtime_version from {_TABLE}").fetchall()
    if found > SCHEMA_VERSION:
        raise OperationError(
            str(path),
            f"was written by a newer leadtime ({writer}): it has schema {found}, but version "
            f"{version('leadtime')} knows schemas up to {SCHEMA_VERSION}",
            f"Install leadtime {writer} or later, or choose another folder with --data",
        )
    return found
