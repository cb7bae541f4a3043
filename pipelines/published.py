"""Opening the published database: read-only, and shut off from everything else.

What is asked of it does not belong here; how it comes to be is `publish.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.lease import lease_holder
from pipelines.publish import published_file
from pipelines.quoting import literal
from pipelines.settings import Settings
from pipelines.storage import opening
from schemas.errors import OperationError, SourceError


@contextmanager
def open_published(
    settings: Settings, *, writable: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The current generation, which stays the same for the length of the block.

    SQL can reach no file but `writable` (a file, or a folder with all in it) and change no
    setting. Raises `SourceError` when nothing has been published yet, and `OperationError` when
    what is there cannot be read.
    """
    path = published_file(settings)
    if path is None:
        raise _nothing_published(settings)
    damaged = "Write it anew with `leadtime run --out`."
    if path != settings.data:
        damaged = (
            "Run again, which publishes a new one, or name an older one of "
            f"{settings.generations} with --data FILE."
        )
    with opening(path, when_damaged=damaged):
        con = duckdb.connect(
            path,
            read_only=True,
            config={"memory_limit": settings.memory_limit, "threads": settings.threads},
        )
    try:
        _require_ours(con, path)
        if writable is not None:
            setting = "allowed_directories" if writable.is_dir() else "allowed_paths"
            con.execute(f"set {setting} = [{literal(str(writable))}]")
        con.execute("set enable_external_access = false")
        con.execute("set lock_configuration = true")
        yield con
    finally:
        con.close()


def _nothing_published(settings: Settings) -> SourceError:
    """Where an answer may be had, or when."""
    found = "there is no published database yet"
    if holder := lease_holder(settings.data):
        who = f"{holder.get('purpose', 'a run')} (process {holder.get('pid', 'unknown')})"
        action = f"{who} is at work here: ask again when it has ended."
        return SourceError(str(settings.published), found, action)
    action = "Make one with `leadtime run --landing DIR`, or see `leadtime demo`."
    demo = settings.data / "demo"
    if (demo / settings.published.name).exists():
        action = (
            f"The one of the demo is in {demo}: add `--data {demo}`, or set LEADTIME_DATA to it. "
            "Make one of your own files with `leadtime run --landing DIR`."
        )
    return SourceError(str(settings.published), found, action)


def _require_ours(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    query = "select count(*) from duckdb_tables() where table_name = 'catalog'"
    if not con.execute(query).fetchall()[0][0]:
        found = "is no database that leadtime has published (it has no table `catalog`)"
        action = "Move it away and run again, or choose another folder with --data."
        raise OperationError(str(path), found, action)
