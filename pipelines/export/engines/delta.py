"""A generation as Delta tables: a folder for each generation, and a link to the current one.

    DIR/current            the folder of the current generation, moved to the next one at once
    DIR/current.json       its name and facts, for readers that do not follow links
    DIR/generation-.../    one Delta table per published table, never changed
        generation.json

Delta has no transaction over several tables: tables that are overwritten one after the other would
be of two generations in between. So a reader who finds out the folder once sees one generation.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.export.engines.address import DeltaAddress
from pipelines.export.engines.copied import Copied, require
from pipelines.export.engines.source import Identity, Source, SourceColumn, SourceTable
from pipelines.export.engines.types import delta_value
from pipelines.publish.files import generations, number_of
from pipelines.settings import Settings
from pipelines.warehouse.rights import give_folder_to_readers, give_to_readers
from pipelines.warehouse.sync import sync
from schemas.errors import OperationError
from schemas.sql_text import quoted

_CURRENT, _POINTER, _FACTS = "current", "current.json", "generation.json"
_BUILDING, _LOCK = ".building", ".lock"
_PREFIX = "generation-"
_ACTION = "Name a new or an empty folder outside the data folder."


def copy_to_delta(source: Source, settings: Settings, address: DeltaAddress) -> Copied:
    """Write the tables of a generation, then point to them; drop generations no longer kept.

    A folder keeps the generations that are kept in the data folder. Raises `OperationError` when
    the library is not installed, the folder is used for something else, or another process writes
    to it.
    """
    require("deltalake", extra="delta")
    folder = address.folder.absolute()
    _require_ours(folder, settings, address)
    with _locked(folder, settings, address):
        shutil.rmtree(folder / _BUILDING, ignore_errors=True)  # of a copy that was killed
        target = folder / _name(source.identity)
        if not target.is_dir():
            _write(source, folder / _BUILDING, settings)
            (folder / _BUILDING).rename(target)
            sync(folder)
        is_new = not _points_to(folder, target)
        if is_new:
            _point_to(folder, target, settings)
        _drop_others(folder, target, settings)
    identity = source.identity
    return Copied(address.shown, identity.number, len(source.tables), source.n_rows, is_new=is_new)


def _write(source: Source, building: Path, settings: Settings) -> None:
    building.mkdir(0o700)
    for table in source.tables:
        _write_table(source, table, building / table.name)
    facts = {
        "generation": source.identity.number,
        "as_of": _text(source.identity.as_of),
        "built_at": _text(source.identity.built_at),
        "leadtime_version": source.leadtime_version,
        "rows": {table.name: table.n_rows for table in source.tables},
    }
    (building / _FACTS).write_text(json.dumps(facts, indent=2) + "\n")
    give_folder_to_readers(building, settings)
    for path in (building, *building.rglob("*")):
        sync(path)


def _write_table(source: Source, table: SourceTable, folder: Path) -> None:
    deltalake = require("deltalake", extra="delta")
    facts = {"leadtime.generation": str(source.identity.number)}
    deltalake.write_deltalake(
        str(folder),
        source.rows(table, _selected, comments=True),
        name=table.name,
        description=table.comment,
        commit_properties=deltalake.CommitProperties(custom_metadata=facts),
    )
    written = deltalake.DeltaTable(str(folder)).count()
    if written != table.n_rows:
        found = f"has {written:,} rows of {table.n_rows:,}"
        raise OperationError(str(folder), found, "Check the disk, then publish again.")


def _selected(column: SourceColumn) -> str:
    return f"{delta_value(column.name, column.kind)} as {quoted(column.name)}"


def _points_to(folder: Path, target: Path) -> bool:
    """Whether the link and the pointer both name a folder."""
    try:
        pointer: dict[str, Any] = json.loads((folder / _POINTER).read_bytes())
        return (folder / _CURRENT).readlink().name == pointer["folder"] == target.name
    except (FileNotFoundError, ValueError, KeyError):
        return False


def _point_to(folder: Path, target: Path, settings: Settings) -> None:
    """Let the link and the pointer name a folder, each at once."""
    facts: dict[str, Any] = json.loads((target / _FACTS).read_bytes())
    text = json.dumps({"folder": target.name, **facts}, indent=2) + "\n"
    link, pointer = folder / f".{_CURRENT}", folder / f".{_POINTER}"
    for waiting in (link, pointer):
        waiting.unlink(missing_ok=True)
    pointer.write_text(text)
    give_to_readers(pointer, settings)
    link.symlink_to(target.name)
    link.replace(folder / _CURRENT)
    pointer.replace(folder / _POINTER)
    sync(folder)


def _drop_others(folder: Path, current: Path, settings: Settings) -> None:
    """Remove the generations that the data folder no longer has: an erasure removes them too.

    Without a data folder, when a file is copied, only those beyond the number to keep go.
    """
    kept = {f"{_PREFIX}{number_of(path):06}" for path in generations(settings)}
    written = sorted(folder.glob(f"{_PREFIX}*"), key=lambda path: path.stat().st_mtime)
    others = [path for path in written if path != current]
    too_many = others[: -settings.keep + 1]
    for path in others:
        if path in too_many or (kept and path.name.rpartition("-")[0] not in kept):
            # Under another name first: a folder that is half removed has no facts.
            gone = folder / _BUILDING
            path.rename(gone)
            shutil.rmtree(gone)


def _name(identity: Identity) -> str:
    return f"{_PREFIX}{identity.number:06}-{identity.built_at:%Y%m%dT%H%M%S}"


def _text(instant: Any) -> str:
    return f"{instant.isoformat(timespec='milliseconds')}Z"


def _require_ours(folder: Path, settings: Settings, address: DeltaAddress) -> None:
    data = settings.data.resolve()
    if folder.resolve().is_relative_to(data):
        raise OperationError(address.shown, f"lies in the data folder {data}", _ACTION)
    if folder.exists() and not folder.is_dir():
        raise OperationError(address.shown, "is a file", _ACTION)
    ours = (_CURRENT, _POINTER, _BUILDING, _LOCK, f".{_CURRENT}", f".{_POINTER}")
    names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    others = [name for name in names if name not in ours and not name.startswith(_PREFIX)]
    if others:
        raise OperationError(address.shown, f"has other files ({others[0]})", _ACTION)


@contextmanager
def _locked(folder: Path, settings: Settings, address: DeltaAddress) -> Iterator[None]:
    if not folder.exists():
        folder.mkdir(parents=True)
        give_folder_to_readers(folder, settings)
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        action = "Wait for it to end, then publish again."
        raise OperationError(address.shown, "another process writes there", action) from None
    finally:
        os.close(handle)
