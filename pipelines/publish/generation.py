"""Publishing: one read-only database per generation, and a pointer that is swapped at the end."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.publish.contracts import require_contracts
from pipelines.publish.described import STORAGE_VERSION, create_described
from pipelines.publish.files import (
    LARGEST,
    generations,
    is_generation,
    number_of,
    people_file,
    people_files,
    published_file,
)
from pipelines.publish.masking import Masking, keys_under
from pipelines.publish.people import write_people
from pipelines.publish.pepper import pepper_of
from pipelines.publish.target import move_to_name
from pipelines.settings import Settings
from pipelines.warehouse.engine import limits_of
from pipelines.warehouse.rights import give_to_readers, restrict
from pipelines.warehouse.sync import sync
from schemas.catalogue.database import CATALOG
from schemas.catalogue.questions import question_rows
from schemas.catalogue.tables import MACROS, catalog_rows, metric_catalog_rows
from schemas.compiled.masking import MaskedTable, masked_tables
from schemas.definitions.procedure import Procedures
from schemas.errors import OperationError
from schemas.sql_text import literal
from transforms.macros.load import PUBLISHED_MACROS
from transforms.transaction import transaction


@dataclass(frozen=True)
class Basis:
    """What a generation shows: `inputs` as at `as_of`, and the same until `changes_at`.

    Instants are UTC without a zone; `inputs` is the fingerprint of all it was built from.
    """

    inputs: str
    as_of: datetime
    changes_at: datetime


@dataclass(frozen=True)
class Generation:
    """A published database: its number, its file, and the number of rows of each table."""

    number: int
    path: Path
    rows: dict[str, int]


def publish(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    procedures: Procedures,
    *,
    built_at: datetime,
    basis: Basis,
    out: Path | None = None,
) -> Generation:
    """Write the built tables to a new generation and point to it; keep the last `settings.keep`.

    With `out` the database is written to that file, and neither pointer nor generations change. A
    published file is never changed, so readers of an older generation keep it. Personal values are
    published as `Masking` says, those of a generation in clear beside it (`people.duckdb`). Raises
    `OperationError` when the file does not read back as written, another file has its name, or the
    pepper cannot be read; the pointer then stays.
    """
    number = 0 if out else next_number(settings)
    path = out or settings.generations / f"analytics-{number:06}.duckdb"
    path.parent.mkdir(parents=True, exist_ok=True)
    building = settings.temporary / f"{path.name}.building"
    for leftover in (building, building.with_name(building.name + ".wal")):
        leftover.unlink(missing_ok=True)
    tables, masking = masked_tables(procedures), Masking(procedures)
    with keys_under(con, pepper_of(settings)):
        rows = _write(con, building, tables, masking, number=number, built_at=built_at)
        if out is None:
            write_people(con, settings, tables, masking, number=number)
    _verify(building, rows)
    sync(building)
    give_to_readers(building, settings)
    move_to_name(building, path, may_replace=out is not None)
    generation = Generation(number, path, rows)
    if out is None:
        _point_to(settings, generation, built_at, basis)
        _drop_old(settings, number)
        restrict(settings)  # folders that were made now too
    return generation


def next_number(settings: Settings) -> int:
    """One more than any generation there has been."""
    recorded = _pointer(settings).get("generation", 0)
    return 1 + max([recorded, *map(number_of, generations(settings))])


def current_generation(settings: Settings) -> dict[str, Any]:
    """The facts in `current.json` about the published database; empty when there is none.

    From `current.json`; if that is missing or corrupt, from the database file itself.
    """
    path, pointer = published_file(settings), _pointer(settings)
    if path is None:
        return {}
    named = settings.data / pointer.get("file", "")
    if named.is_file() and (named.resolve() == path or not settings.published.is_symlink()):
        return pointer
    if not is_generation(path.name):
        return {}
    built_at = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
    return {"generation": number_of(path), "built_at": built_at.isoformat(timespec="milliseconds")}


def still_current(settings: Settings, *, inputs: str, as_of: datetime) -> Generation | None:
    """The published generation if one built from `inputs` as at `as_of` would show the same.

    Durations that run to the as_of do not count: they are those of the generation's own instant.
    None when it shows something else, or cannot be read.
    """
    pointer = _pointer(settings)
    path = settings.data / pointer.get("file", "")
    if pointer.get("inputs") != inputs or settings.published.resolve() != path.resolve():
        return None
    try:
        then, changes_at = (datetime.fromisoformat(pointer[n]) for n in ("as_of", "changes_at"))
        rows = {name: int(n) for name, n in pointer["rows"].items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        return None  # damaged
    if then.tzinfo or changes_at.tzinfo or not then <= as_of < changes_at:
        return None
    try:
        with duckdb.connect(path, read_only=True) as con:
            found = con.execute("select generation from build").fetchall()
    except duckdb.Error:
        return None
    number = pointer["generation"]
    return Generation(number, path, rows) if found == [(number,)] else None


def note_still_current(settings: Settings, as_of: datetime) -> None:
    """Record in `current.json` that the published generation shows the same at a later instant."""
    still = as_of.isoformat(timespec="milliseconds")
    _write_pointer(settings, {**_pointer(settings), "unchanged_at": still})


def _pointer(settings: Settings) -> dict[str, Any]:
    """The contents of `current.json`; empty if it is missing, corrupt or not for this user."""
    try:
        pointer = json.loads((settings.data / "current.json").read_bytes())
    except (FileNotFoundError, PermissionError, ValueError, RecursionError):
        return {}
    kinds = {"generation": int, "file": str, "built_at": str}
    is_valid = (
        isinstance(pointer, dict)
        and all(isinstance(pointer.get(k), t) for k, t in kinds.items())
        and 0 < pointer["generation"] < LARGEST
        and is_generation(pointer["file"].rpartition("/")[2])
        and pointer["file"].isprintable()
    )
    return pointer if is_valid else {}


def _write(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    tables: Sequence[MaskedTable],
    masking: Masking,
    *,
    number: int,
    built_at: datetime,
) -> dict[str, int]:
    published = [table.published for table in tables]
    con.execute(f"attach {literal(str(path))} as published (storage_version '{STORAGE_VERSION}')")
    try:
        with transaction(con):
            for name, described in (
                ("metric_catalog_rows", metric_catalog_rows(published)),
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
            rows = {CATALOG.name: len(tables) + len(MACROS)}
            for table, described in zip(tables, published, strict=True):
                name = described.name
                if name != CATALOG.name:
                    query = masking.select(table, sources.get(name, f'from "{name}"'))
                    rows[name] = create_described(con, "published", described, query)
            # Last: it has the number of rows of all other tables.
            con.register("catalog_rows", pl.DataFrame(catalog_rows(published, rows)))
            create_described(con, "published", CATALOG, "from catalog_rows")
            require_contracts(con, "published", published)
        for name in ("metric_catalog_rows", "question_rows", "catalog_rows"):
            con.unregister(name)
        con.execute("checkpoint published")
    finally:
        con.execute("detach published")
    # Macros are bound where they are created: here they can read the published tables only.
    with duckdb.connect(path, config={**limits_of(con)}) as own:
        own.execute(PUBLISHED_MACROS)
        for macro in MACROS:
            own.execute(f"comment on macro table {macro.name} is {literal(macro.comment)}")
    return rows


def _verify(path: Path, rows: dict[str, int]) -> None:
    with duckdb.connect(path, read_only=True) as con:
        found = {name: _count(con, f'"{name}"') for name in rows}
    if found != rows:
        different = sorted(name for name in rows if found[name] != rows[name])
        found = f"does not read back as written: {', '.join(different)}"
        raise OperationError(str(path), found, "Check the disk, then run again.")


def _point_to(settings: Settings, generation: Generation, built_at: datetime, basis: Basis) -> None:
    about = {
        "generation": generation.number,
        "file": generation.path.relative_to(settings.data).as_posix(),
        "built_at": built_at.isoformat(timespec="milliseconds"),
        "inputs": basis.inputs,
        "as_of": basis.as_of.isoformat(timespec="milliseconds"),
        "changes_at": basis.changes_at.isoformat(timespec="milliseconds"),
        "rows": generation.rows,
    }
    _write_pointer(settings, about)
    if people := people_file(generation.path):
        _link(settings.people, people.relative_to(settings.data.resolve()))
    _link(settings.published, about["file"])
    sync(settings.data)


def _link(link: Path, target: Path | str) -> None:
    """Let a link point to a file of the data folder, at once."""
    waiting = link.with_name(f".{link.name}.link")
    waiting.unlink(missing_ok=True)
    waiting.symlink_to(target)
    waiting.replace(link)


def _write_pointer(settings: Settings, about: dict[str, Any]) -> None:
    waiting = settings.data / ".current.json"
    waiting.unlink(missing_ok=True)
    waiting.write_text(json.dumps(about, indent=2) + "\n")
    give_to_readers(waiting, settings)
    waiting.replace(settings.data / "current.json")


def drop_other_generations(settings: Settings, number: int) -> int:
    """Remove every generation but this one; how many there were. Readers keep what they opened."""
    others = [path for path in generations(settings) if number_of(path) != number]
    for path in others:
        path.unlink()
    _drop_unneeded_people(settings)
    return len(others)


def _drop_old(settings: Settings, number: int) -> None:
    for path in generations(settings):
        if number_of(path) <= number - settings.keep:
            path.unlink()
    _drop_unneeded_people(settings)


def _drop_unneeded_people(settings: Settings) -> None:
    """Remove the personal values of generations that are gone."""
    needed = {people_file(path) for path in generations(settings)}
    for path in people_files(settings.people_files):
        if path not in needed:
            path.unlink()


def _count(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    return con.execute(f"select count(*) from {relation}").fetchall()[0][0]
