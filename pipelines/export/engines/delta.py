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
from pipelines.export.engines.copied import Copied
from pipelines.export.engines.delta_table import (
    FACTS,
    POINTER,
    PREFIX,
    facts_of,
    folder_name,
    no_longer_kept,
    pointer_text,
    write_table,
)
from pipelines.export.engines.source import Source
from pipelines.settings import Settings
from pipelines.warehouse.rights import give_folder_to_readers, give_to_readers
from pipelines.warehouse.sync import sync
from schemas.errors import OperationError, require_module

_CURRENT = "current"
_BUILDING, _LOCK = ".building", ".lock"
_ACTION = "Name a new or an empty folder outside the data folder."


def copy_to_delta(source: Source, settings: Settings, address: DeltaAddress) -> Copied:
    """Write the tables of a generation, then point to them; drop generations no longer kept.

    A folder keeps the generations that are kept in the data folder. Raises `OperationError` when
    the library is not installed, the folder is used for something else, or another process writes
    to it.
    """
    require_module("deltalake", extra="delta", place=address.shown)
    folder = address.folder.absolute()
    _require_ours(folder, settings, address)
    with _locked(folder, settings, address):
        shutil.rmtree(folder / _BUILDING, ignore_errors=True)  # of a copy that was killed
        target = folder / folder_name(source.identity)
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
        write_table(source, table, str(building / table.name))
    (building / FACTS).write_text(facts_of(source))
    give_folder_to_readers(building, settings)
    for path in (building, *building.rglob("*")):
        sync(path)


def _points_to(folder: Path, target: Path) -> bool:
    """Whether the link and the pointer both name a folder."""
    try:
        pointer: dict[str, Any] = json.loads((folder / POINTER).read_bytes())
        return (folder / _CURRENT).readlink().name == pointer["folder"] == target.name
    except (FileNotFoundError, ValueError, KeyError):
        return False


def _point_to(folder: Path, target: Path, settings: Settings) -> None:
    """Let the link and the pointer name a folder, each at once."""
    text = pointer_text(target.name, (target / FACTS).read_bytes())
    link, pointer = folder / f".{_CURRENT}", folder / f".{POINTER}"
    for waiting in (link, pointer):
        waiting.unlink(missing_ok=True)
    pointer.write_text(text)
    give_to_readers(pointer, settings)
    link.symlink_to(target.name)
    link.replace(folder / _CURRENT)
    pointer.replace(folder / POINTER)
    sync(folder)


def _drop_others(folder: Path, current: Path, settings: Settings) -> None:
    written = sorted(folder.glob(f"{PREFIX}*"), key=lambda path: path.stat().st_mtime)
    others = [path.name for path in written if path != current]
    for name in no_longer_kept(others, settings):
        # Under another name first: a folder that is half removed has no facts.
        gone = folder / _BUILDING
        (folder / name).rename(gone)
        shutil.rmtree(gone)


def _require_ours(folder: Path, settings: Settings, address: DeltaAddress) -> None:
    data = settings.data.resolve()
    if folder.resolve().is_relative_to(data):
        raise OperationError(address.shown, f"lies in the data folder {data}", _ACTION)
    if folder.exists() and not folder.is_dir():
        raise OperationError(address.shown, "is a file", _ACTION)
    ours = (_CURRENT, POINTER, _BUILDING, _LOCK, f".{_CURRENT}", f".{POINTER}")
    names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    others = [name for name in names if name not in ours and not name.startswith(PREFIX)]
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
