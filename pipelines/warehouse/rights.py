"""Who may read the files of a data folder: its owner all of them, groups what is published."""

import grp
import os
from pathlib import Path

from pipelines.settings import Settings
from schemas.errors import OperationError

_READ_SETTING, _PEOPLE_SETTING = "LEADTIME_READ_GROUP", "LEADTIME_PEOPLE_GROUP"
_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700
_FILES = (
    "warehouse.duckdb",
    "warehouse.duckdb.wal",
    "lease.json",
    "ledger.ndjson",
    "erasures.ndjson",
    "erasures.key",
)
_FOLDERS = ("tmp", "dagster", "secret", "pull")
_OTHERS = (
    "current.json",
    "analytics",
    "analytics.duckdb",
    "people",
    "people.duckdb",
    "landing",
    "procedures",
    "demo",
)


def restrict(settings: Settings) -> None:
    """Give the data folder and all that leadtime keeps in it the rights they should have.

    Folders and files that another user owns stay as they are. Raises `OperationError` when this
    user cannot give files to the group that may read.
    """
    for name in _FILES:
        _set(settings.data / name, _PRIVATE_FILE)
    for name in _FOLDERS:
        _set(settings.data / name, _PRIVATE_FOLDER)
    # A member of the group may pass through the data folder, and list the generations.
    if _is_ours(settings.data):
        group = settings.read_group or settings.people_group
        _set(settings.data, 0o710 if group else _PRIVATE_FOLDER, group)
    mode = 0o750 if settings.read_group else _PRIVATE_FOLDER
    _set(settings.generations, mode, settings.read_group)
    mode = 0o750 if settings.people_group else _PRIVATE_FOLDER
    _set(settings.people_files, mode, settings.people_group, _PEOPLE_SETTING)
    _set(settings.pepper, _PRIVATE_FILE)
    for path in settings.people_files.glob("people-*.duckdb"):
        give_to_people_group(path, settings)
    for path in (settings.data / "current.json", *settings.generations.glob("analytics-*.duckdb")):
        give_to_readers(path, settings)


def give_to_readers(path: Path, settings: Settings) -> None:
    """Make a finished file read-only, for its owner and the group that may read.

    Raises `OperationError` when this user cannot give files to that group.
    """
    _set(path, 0o440, settings.read_group)


def give_folder_to_readers(folder: Path, settings: Settings) -> None:
    """Make the files of a finished folder read-only, for its owner and the group that may read.

    Raises `OperationError` when this user cannot give files to that group.
    """
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            _set(path, 0o750 if settings.read_group else _PRIVATE_FOLDER, settings.read_group)
        else:
            give_to_readers(path, settings)


def give_to_people_group(path: Path, settings: Settings) -> None:
    """Let a finished file be read by its owner and the group that may read personal values.

    Raises `OperationError` when this user cannot give files to that group.
    """
    mode = 0o440 if settings.people_group else _PRIVATE_FILE
    _set(path, mode, settings.people_group, _PEOPLE_SETTING)


def _is_ours(folder: Path) -> bool:
    """Whether a folder holds nothing else: a home folder that was named keeps its rights."""
    known = {*_FILES, *_FOLDERS, *_OTHERS}
    return all(path.name in known or path.name.startswith(".") for path in folder.iterdir())


def _set(path: Path, mode: int, group: str = "", setting: str = _READ_SETTING) -> None:
    if path.is_symlink() or not path.exists() or path.stat().st_uid != os.geteuid():
        return
    if group:
        _give(path, group, setting)
    if path.stat().st_mode & 0o777 != mode:
        path.chmod(mode)


def _give(path: Path, group: str, setting: str) -> None:
    number = grp.getgrnam(group).gr_gid
    try:
        if path.stat().st_gid != number:
            os.chown(path, -1, number)
    except PermissionError as error:
        found = f"this user is not a member of the group {group}"
        action = "Name a group of the user who runs leadtime, to which the analysts belong."
        raise OperationError(setting, found, action) from error
