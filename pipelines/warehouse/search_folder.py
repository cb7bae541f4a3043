"""A search for values in everything that a data folder holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb

from pipelines.settings import Settings
from pipelines.warehouse.search import Matches, Needles, search_database, search_file
from schemas.errors import OperationError
from schemas.sql_text import literal

_SHOWN = 10


def search_folder(
    settings: Settings, own: Needles, *, warehouse: duckdb.DuckDBPyConnection | None = None
) -> Matches:
    """Search the data folder, without landing files; through `warehouse` where it is open, and then
    without generations, as they are replaced.
    """
    matches = Matches()
    databases: list[Path] = []
    for path in _files(settings, with_generations=warehouse is None):
        name = str(path.relative_to(settings.data))
        search_file(path, own, matches, name=name)
        if path.suffix == ".duckdb" and not (warehouse and path == settings.warehouse):
            databases.append(path)
    if warehouse:
        search_database(warehouse, "warehouse", own, matches, name=settings.warehouse.name)
    for path in databases:
        with duckdb.connect(config={"memory_limit": settings.memory_limit}) as con:
            try:
                con.execute(f"attach {literal(str(path))} as searched (read_only)")
            except duckdb.Error:
                continue  # no database: its bytes have been searched
            name = str(path.relative_to(settings.data))
            search_database(con, "searched", own, matches, name=name)
    return matches


def _files(settings: Settings, *, with_generations: bool) -> Iterator[Path]:
    landing = settings.landing.resolve()
    for folder, folders, names in os.walk(settings.data):
        here = Path(folder)
        folders[:] = [
            name
            for name in folders
            if (here / name).resolve() != landing
            and not (here / name / "lease.json").exists()  # another data folder
            and (
                with_generations or here / name not in (settings.generations, settings.people_files)
            )
        ]
        yield from (
            path
            for name in sorted(names)
            if (path := here / name).is_file() and not path.is_symlink()
        )


def still_there(settings: Settings, found: Matches) -> OperationError:
    """The error for values that were found, with the places."""
    places = [f"{place} ({n:,})" for place, n in found.places.items()]
    more = f" and {len(places) - _SHOWN} more places" if len(places) > _SHOWN else ""
    action = (
        "Remove or rename what is named here; a table cannot be changed by hand. Then erase again."
    )
    return OperationError(
        str(settings.data),
        f"erased, but a value is still found in {', '.join(places[:_SHOWN])}{more}",
        action,
    )
