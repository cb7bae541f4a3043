"""What can go wrong with files on the disk, told to who must act: full, not permitted, damaged.

What is in the files does not belong here.
"""

import errno
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.settings import Settings
from schemas.errors import LeadtimeError, OperationError

NOT_PERMITTED = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_SPACE = ("no space left on device", "disk is full", "disk quota exceeded")
# How DuckDB says that a file is not, or no longer, what it has written.
_DAMAGED = re.compile(
    "not a valid DuckDB database file|Could not read enough bytes|Corrupt database file"
    "|computed checksum|Failed to deserialize"
)
_LOCKED = re.compile(r"Could not set lock on file .*?(?:PID (\d+)|$)", re.DOTALL)


def is_no_space(error: BaseException) -> bool:
    """Whether a full disk is what an error comes from, however often it was wrapped."""
    return any(
        getattr(cause, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        or (
            isinstance(cause, OSError | duckdb.Error | sqlite3.Error)
            and any(words in str(cause).lower() for words in _NO_SPACE)
        )
        for cause in _causes(error)
    )


def no_space(*folders: Path, said: str) -> OperationError:
    """What to tell of a full disk: names the folder that has the least room."""
    there = [folder for folder in folders if folder.is_dir()]
    fullest = min(there, key=_free, default=folders[0])
    return OperationError(str(fullest), "no space left there", said)


@contextmanager
def opening(path: Path, *, when_damaged: str) -> Iterator[None]:
    """Tell what is wrong with a DuckDB file that is used in the block.

    Raises `OperationError` when it is damaged, was made by a newer DuckDB, may not be opened or is
    open elsewhere; other errors pass as they are.
    """
    try:
        yield
    except duckdb.Error as error:
        told = _told(path, str(error), when_damaged)
        if told is None:
            raise
        raise told from error


def require_writable(settings: Settings) -> None:
    """Refuse a data folder that this user can only read, before anything is made in it.

    Raises `OperationError`.
    """
    names = ("", "lease.json", "warehouse.duckdb", "analytics", "dagster", "tmp")
    for place in (settings.data / name for name in names):
        if place.exists() and not may_write(place):
            raise not_writable(place)


def may_write(place: Path) -> bool:
    """Whether this user may write to a file or folder that is there."""
    return os.access(place, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def not_writable(place: Path) -> OperationError:
    """What to tell a user who may only read a data folder or what is in it."""
    action = (
        "Ask the owner of it for write permission or to run this, or choose another folder with "
        "--data; `leadtime query`, `report` and `status` need to read only."
    )
    return OperationError(str(place), "this user may not write there", action)


@contextmanager
def written_whole(path: Path, suffix: str) -> Iterator[Path]:
    """A file beside `path` to write to, which takes its place at the end of the block.

    A block that fails leaves nothing behind. Raises `OperationError` when no file can be made
    there.
    """
    target = path.resolve()
    advice = f"Name {suffix} in a folder that you may write to."
    if path.suffix == ".duckdb":
        raise OperationError(str(path), "is named like a database", advice)
    if target.is_dir() or not target.parent.is_dir():
        found = "is a folder" if target.is_dir() else "there is no such folder"
        raise OperationError(str(path), found, advice)
    waiting = target.with_name(f".{target.name}.writing")
    try:
        waiting.touch()
    except OSError as error:
        found = f"cannot be written: {(error.strerror or str(error)).lower()}"
        raise OperationError(str(path), found, advice) from error
    try:
        yield waiting
        waiting.replace(target)
    except Exception as error:
        if isinstance(error, LeadtimeError) or not is_no_space(error):
            raise
        raise no_space(target.parent, said="Make room, or name another file.") from error
    finally:
        waiting.unlink(missing_ok=True)


def _told(path: Path, text: str, when_damaged: str) -> OperationError | None:
    place = str(path)
    if locked := _LOCKED.search(text):
        who = f"process {locked[1]}" if locked[1] else "another program"
        return OperationError(place, f"is open in {who}", "Close it there, then try again.")
    if "newer version of DuckDB" in text:
        action = f"Update DuckDB here (it is {duckdb.__version__}), then try again."
        return OperationError(place, "was written by a newer version of DuckDB", action)
    if path.name in text and "Permission denied" in text:
        return OperationError(place, "this user may not read it", "Ask its owner for permission.")
    # What is damaged may also be a file that is read, which the message then names.
    names_other = re.search(r'file "([^"]+)"', text)
    if _DAMAGED.search(text) and (names_other is None or names_other[1].endswith(path.name)):
        return OperationError(place, "the file is damaged", when_damaged)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised from, or while handling what."""
    waiting, seen = [error], set[int]()
    while waiting:
        cause = waiting.pop()
        if id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [e for e in (cause.__cause__, cause.__context__) if e is not None]


def _free(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize
