"""The published database, opened read-only and without access to other files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import duckdb

from pipelines.publish.files import people_file, published_file
from pipelines.settings import Settings
from pipelines.warehouse.file_errors import may_read, may_write, opening
from pipelines.warehouse.lease import lease_holder
from pipelines.warehouse.leftovers import reader_folder
from pipelines.warehouse.umask import private_files
from schemas.errors import OperationError
from schemas.sql_text import literal

People = Literal["left out", "if readable", "needed"]


@contextmanager
def open_published(
    settings: Settings, *, writable: Path | None = None, people: People = "left out"
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The current generation, which stays the same for the length of the block.

    SQL can access no file except `writable` (a file, or a folder and all it contains), and cannot
    change settings. The personal values behind the generation are the database `people`, where
    that is `needed`, or wanted `if readable`. Raises `OperationError` when nothing has been
    published yet, the file cannot be read, or personal values that are needed cannot.
    """
    path = published_file(settings)
    if path is None:
        raise _nothing_published(settings)
    damaged = "Write it again with `leadtime run --out`."
    if path != settings.data:
        damaged = (
            "Run again to publish a new one, or name an older one in "
            f"{settings.generations} with --data FILE."
        )
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.memory_limit,
        "threads": settings.threads,
    }
    if settings.temporary.is_dir() and may_write(settings.temporary):
        config["temp_directory"] = str(reader_folder(settings))
    with private_files(), opening(path, when_damaged=damaged):
        con = duckdb.connect(path, read_only=True, config=config)
    try:
        _require_ours(con, path)
        _attach_people(con, path, people)
        if writable is not None:
            setting = "allowed_directories" if writable.is_dir() else "allowed_paths"
            con.execute(f"set {setting} = [{literal(str(writable))}]")
        con.execute("set enable_external_access = false")
        con.execute("set lock_configuration = true")
        yield con
    finally:
        con.close()


def _nothing_published(settings: Settings) -> OperationError:
    """The error for a folder without a published database: where one is, or how to make it."""
    found = "there is no published database yet"
    if holder := lease_holder(settings.data):
        who = f"{holder.get('purpose', 'a run')} (process {holder.get('pid', 'unknown')})"
        action = f"{who} is running: try again when it has ended."
        return OperationError(str(settings.published), found, action)
    action = "Make one with `leadtime run --landing DIR`, or see `leadtime demo`."
    demo = settings.data / "demo"
    if (demo / settings.published.name).exists():
        action = (
            f"The database of the demo is in {demo}: add `--data {demo}`, or set LEADTIME_DATA. "
            "For your own files, use `leadtime run --landing DIR`."
        )
    return OperationError(str(settings.published), found, action)


def _attach_people(con: duckdb.DuckDBPyConnection, path: Path, people: People) -> None:
    """Attach the personal values behind the generation in `path`."""
    if people == "left out":
        return
    try:
        found = _readable_people(path)
    except OperationError:
        if people == "needed":
            raise
        return
    with opening(found, when_damaged="Remove it, then run again with `--publish`."):
        con.execute(f"attach {literal(str(found))} as people (read_only)")


def _readable_people(path: Path) -> Path:
    """The file with the personal values behind a generation, if this user may read it."""
    try:
        found = people_file(path)
    except PermissionError:
        found = path.parent.parent / "people"
    if found is None:
        raise OperationError(
            str(path),
            "there are no personal values beside it",
            "They are kept for the generations in a data folder: name that folder with --data, "
            "and publish there once with `leadtime run --publish`.",
        )
    if not may_read(found) or found.is_dir():
        owner = found.owner()
        raise OperationError(
            str(found),
            "this user may not read personal values",
            f"Ask {owner}, who runs leadtime, to name a group of which you are a member in "
            "LEADTIME_PEOPLE_GROUP; the next run gives it the right to read. Without --personal, "
            "keys stand for these values.",
        )
    return found


def _require_ours(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    query = "select count(*) from duckdb_tables() where table_name = 'catalog'"
    if not con.execute(query).fetchall()[0][0]:
        found = "was not published by leadtime (it has no table `catalog`)"
        action = "Move it away and run again, or choose another folder with --data."
        raise OperationError(str(path), found, action)
