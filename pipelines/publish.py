"""Publishing: one read-only database a generation, and a pointer that is swapped at the end.

What the tables are is in `transforms/`, what is said about them in `schemas/catalogue.py`.
"""

import json
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.quoting import literal, quoted
from pipelines.settings import Settings
from schemas.catalogue import OutputTable, catalog_rows, metric_catalog_rows, published_tables
from schemas.catalogue_about import CATALOG
from schemas.definitions import Procedures
from schemas.questions import question_rows
from transforms.tables import PUBLISHED_MACROS

# Clients from this version on can read the file.
STORAGE_VERSION = "v1.2.0"
_NAME = re.compile(r"analytics-(\d{6,})\.duckdb")


@dataclass(frozen=True)
class Generation:
    """A published database: its number, where it is, and the rows of its tables."""

    number: int
    path: Path
    rows: dict[str, int]


def publish(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    procedures: Procedures,
    *,
    built_at: datetime,
    out: Path | None = None,
) -> Generation:
    """Write what is built to a new generation and point to it; keep the last `settings.keep`.

    With `out` the database goes there, and neither pointer nor generations change. Readers of an
    older generation keep it: a published file is never written to again. Raises `RuntimeError`
    when the file does not read back as written; the pointer then stays.
    """
    number = 0 if out else next_number(settings)
    path = out or settings.generations / f"analytics-{number:06}.duckdb"
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f".{path.name}.building")
    for leftover in (building, building.with_name(building.name + ".wal")):
        leftover.unlink(missing_ok=True)
    tables = published_tables(procedures)
    rows = _write(con, building, tables, procedures, number=number, built_at=built_at)
    _verify(building, rows)
    _sync(building)
    building.chmod(0o444)
    building.replace(path)
    _sync(path.parent)
    generation = Generation(number, path, rows)
    if out is None:
        _point_to(settings, generation, built_at)
        _drop_old(settings, number)
    return generation


def next_number(settings: Settings) -> int:
    """One more than any generation there has been."""
    said = _said(settings).get("generation", 0)
    return 1 + max([said, *map(_number, _kept(settings))])


def published_file(settings: Settings) -> Path | None:
    """The database that analysts ask: where the pointer leads, else the newest generation.

    None when there is none. A data folder that is a file is such a database itself.
    """
    if settings.data.is_file():
        return settings.data
    # The pointer may move to the next generation at any time: follow it once.
    if settings.published.exists():
        return settings.published.resolve()
    return max(_kept(settings), key=_number, default=None)


def current_generation(settings: Settings) -> dict[str, Any]:
    """What is known of the published database; empty when there is none.

    `current.json` says it. Where that is lost or spoilt the file tells its number and its time.
    """
    path, said = published_file(settings), _said(settings)
    if path is None:
        return {}
    named = settings.data / said.get("file", "")
    if named.is_file() and (named.resolve() == path or not settings.published.is_symlink()):
        return said
    if not _NAME.fullmatch(path.name):
        return {}
    built_at = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
    return {"generation": _number(path), "built_at": built_at.isoformat(timespec="milliseconds")}


def _said(settings: Settings) -> dict[str, Any]:
    """What `current.json` holds, if it is as we write it."""
    try:
        said = json.loads((settings.data / "current.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    kinds = {"generation": int, "file": str, "built_at": str}
    is_ours = isinstance(said, dict) and all(isinstance(said.get(k), t) for k, t in kinds.items())
    return said if is_ours else {}


def _write(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    tables: Sequence[OutputTable],
    procedures: Procedures,
    *,
    number: int,
    built_at: datetime,
) -> dict[str, int]:
    con.execute(f"attach {literal(str(path))} as published (storage_version '{STORAGE_VERSION}')")
    try:
        con.execute("begin")
        for name, described in (
            ("metric_catalog_rows", metric_catalog_rows(procedures)),
            ("question_rows", question_rows()),
        ):
            con.register(name, pl.DataFrame(described, infer_schema_length=None))
        sources = {
            "metric_catalog": "from metric_catalog_rows",
            "questions": "select question_no::integer as question_no, question, query "
            "from question_rows",
            "build": f"""
                select as_of, time_zone, timestamp '{built_at.isoformat(sep=" ")}' as built_at,
                    {number}::integer as generation, '{version("leadtime")}' as leadtime_version
                from build
            """,
        }
        rows = {CATALOG.name: len(tables)}
        for table in tables:
            if table != CATALOG:
                _create(con, table, sources.get(table.name, f'from "{table.name}"'))
                rows[table.name] = _count(con, f'published."{table.name}"')
        # Last, as it tells the rows of all others.
        con.register("catalog_rows", pl.DataFrame(catalog_rows(tables, rows)))
        _create(con, CATALOG, "from catalog_rows")
        con.execute("commit")
        for name in ("metric_catalog_rows", "question_rows", "catalog_rows"):
            con.unregister(name)
        con.execute("checkpoint published")
    except BaseException:
        with suppress(duckdb.TransactionException):
            con.execute("rollback")
        raise
    finally:
        con.execute("detach published")
    # Macros are bound where they are made: here only the published tables are to be seen.
    with duckdb.connect(path) as own:
        own.execute(PUBLISHED_MACROS)
    return rows


def _create(con: duckdb.DuckDBPyConnection, table: OutputTable, source: str) -> None:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    con.execute(f'create table published."{table.name}" as select {columns} from ({source})')
    _comment(con, table)


def _comment(con: duckdb.DuckDBPyConnection, table: OutputTable) -> None:
    place = f'published."{table.name}"'
    con.execute(f"comment on table {place} is {literal(table.comment)}")
    for column in table.columns:
        con.execute(f"comment on column {place}.{quoted(column.name)} is {literal(column.comment)}")


def _verify(path: Path, rows: dict[str, int]) -> None:
    with duckdb.connect(path, read_only=True) as con:
        found = {name: _count(con, f'"{name}"') for name in rows}
    if found != rows:
        different = sorted(name for name in rows if found[name] != rows[name])
        raise RuntimeError(f"{path} does not read back as written: {', '.join(different)}")


def _point_to(settings: Settings, generation: Generation, built_at: datetime) -> None:
    about = {
        "generation": generation.number,
        "file": generation.path.relative_to(settings.data).as_posix(),
        "built_at": built_at.isoformat(timespec="milliseconds"),
        "rows": generation.rows,
    }
    waiting = settings.data / ".current.json"
    waiting.write_text(json.dumps(about, indent=2) + "\n")
    waiting.replace(settings.data / "current.json")
    link = settings.data / ".analytics.duckdb.link"
    link.unlink(missing_ok=True)
    link.symlink_to(about["file"])
    link.replace(settings.published)
    _sync(settings.data)


def _drop_old(settings: Settings, number: int) -> None:
    for path in _kept(settings):
        if _number(path) <= number - settings.keep:
            path.unlink()


def _kept(settings: Settings) -> list[Path]:
    """The files of the generations that are there."""
    if not settings.generations.is_dir():
        return []
    return [path for path in settings.generations.resolve().iterdir() if _NAME.fullmatch(path.name)]


def _number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _count(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    return con.execute(f"select count(*) from {relation}").fetchall()[0][0]
