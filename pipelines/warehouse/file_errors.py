"""Errors of files on the disk: full, not permitted, damaged; and files that are written whole."""

import errno
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.settings import Settings
from pipelines.warehouse.umask import usual_mode
from schemas.errors import LeadtimeError, OperationError

NOT_PERMITTED = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_SPACE = ("no space left on device", "disk is full", "disk quota exceeded")
_WAL = re.compile(r'Failure while replaying WAL file "([^"]+)"')
# DuckDB's messages about files that it has not written, or that have changed since.
_DAMAGED = re.compile(
    "not a valid DuckDB database file|Could not read enough bytes|Corrupt database file"
    "|computed checksum|Failed to deserialize"
)
_QUOTED_PATH = re.compile(r'"([^"]*/[^"]+)"')
_LOCKED = re.compile(r"Could not set lock on file .*?(?:PID (\d+)|$)", re.DOTALL)


def is_no_space(error: BaseException) -> bool:
    """Whether a full disk caused an error, however often the error was wrapped."""
    return any(
        getattr(cause, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        or (
            isinstance(cause, OSError | duckdb.Error | sqlite3.Error)
            and any(words in str(cause).lower() for words in _NO_SPACE)
        )
        for cause in _causes(error)
    )


def no_space(error: BaseException, *folders: Path, action: str) -> OperationError:
    """The error for a full disk: names the folder of the file that could not be written.

    Where the error names no file, it is the one of `folders` that has the least room.
    """
    named = [path.parent for path in _files_named(error) if path.parent.is_dir()]
    there = [folder for folder in folders if folder.is_dir()]
    fullest = named[0] if named else min(there, key=_free, default=folders[0])
    return OperationError(str(fullest), "no space left there", action)


@contextmanager
def opening(
    path: Path, *, when_damaged: str, damaged: type[OperationError] = OperationError
) -> Iterator[None]:
    """Translate the engine's errors about a DuckDB file that is used in the block.

    Raises `damaged` when the file is damaged, and `OperationError` when it was written by a newer
    DuckDB, may not be opened or is open elsewhere; other errors pass unchanged.
    """
    try:
        yield
    except duckdb.Error as error:
        text = str(error)
        translated = (
            _wal_damage(path, text, damaged)
            or _damage(path, text, when_damaged, damaged)
            or _refusal(path, text)
        )
        if translated is None:
            raise
        raise translated from error


def require_writable(settings: Settings) -> None:
    """Raise `OperationError` for a data folder that this user cannot write to."""
    names = ("", "lease.json", "warehouse.duckdb", "analytics", "dagster", "tmp")
    for place in (settings.data / name for name in names):
        if place.exists() and not may_write(place):
            raise not_writable(place)


def may_write(place: Path) -> bool:
    """Whether this user may write to a file or folder that exists."""
    return _may(place, os.W_OK)


def may_read(place: Path) -> bool:
    """Whether this user may read a file or folder; one that does not exist counts as readable."""
    return not place.exists() or _may(place, os.R_OK)


def _may(place: Path, mode: int) -> bool:
    return os.access(place, mode, effective_ids=os.access in os.supports_effective_ids)


def not_readable(place: Path) -> OperationError:
    """The error for a user who may not read a file."""
    return OperationError(str(place), "this user may not read it", "Ask its owner for permission.")


def not_writable(place: Path) -> OperationError:
    """The error for a user who may only read a data folder or something in it."""
    action = (
        "Ask its owner for write permission or to run this command, or choose another folder with "
        "--data; `leadtime query`, `report` and `status` only read."
    )
    return OperationError(str(place), "this user may not write there", action)


@contextmanager
def atomic_write(path: Path, suffix: str) -> Iterator[Path]:
    """A file beside `path` to write to; it replaces `path` at the end of the block.

    Nobody else can open it before, and then it has the rights of the file that it replaces. A block
    that fails leaves nothing behind. Raises `OperationError` when no file can be created there,
    another user has put a link there, or the disk is full.
    """
    target = path.resolve()
    advice = f"Name {suffix} in a folder that you may write to."
    if path.suffix == ".duckdb":
        raise OperationError(str(path), "is named like a database", advice)
    if target.is_dir() or not target.parent.is_dir():
        found = "is a folder" if target.is_dir() else "there is no such folder"
        raise OperationError(str(path), found, advice)
    if path.is_symlink() and path.lstat().st_uid not in (os.geteuid(), 0):
        raise OperationError(str(path), "is a link of another user", advice)
    mode = target.stat().st_mode & 0o777 if target.exists() else usual_mode(0o666)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
        waiting = Path(name)
    except OSError as error:
        found = f"cannot be written: {(error.strerror or str(error)).lower()}"
        raise OperationError(str(path), found, advice) from error
    try:
        yield waiting
        waiting.chmod(mode)
        waiting.replace(target)
    except Exception as error:
        if isinstance(error, LeadtimeError) or not is_no_space(error):
            raise
        raise no_space(error, target.parent, action="Make room, or name another file.") from error
    finally:
        waiting.unlink(missing_ok=True)


def _damage(
    path: Path, text: str, action: str, damaged: type[OperationError]
) -> OperationError | None:
    """The error for a damaged file, or None when the message says something else."""
    # A data file that a query reads may be damaged too; the message then names that file.
    other = re.search(r'file "([^"]+)"', text)
    if _DAMAGED.search(text) and (other is None or other[1].endswith(path.name)):
        return damaged(str(path), "the file is damaged", action)
    return None


def _wal_damage(path: Path, text: str, damaged: type[OperationError]) -> OperationError | None:
    """The error for a write-ahead log that cannot be replayed; None for other messages."""
    log = path.with_name(f"{path.name}.wal")
    found = _WAL.search(text)
    if found is None or Path(found[1]).name != log.name:
        return None
    return damaged(
        str(log),
        "the write-ahead log of the database is damaged or belongs to another file",
        "Move it away and run again: its transactions are lost, and the run reads their landing "
        "files again, so these must be in the landing folder.",
    )


def _refusal(path: Path, text: str) -> OperationError | None:
    """The error for a file that this process cannot open; None for other messages."""
    place = str(path)
    if locked := _LOCKED.search(text):
        who = f"process {locked[1]}" if locked[1] else "another program"
        return OperationError(place, f"is open in {who}", "Close it there, then try again.")
    if "newer version of DuckDB" in text:
        action = f"Update DuckDB here (it is {duckdb.__version__}), then try again."
        return OperationError(place, "was written by a newer version of DuckDB", action)
    if path.name in text and "Permission denied" in text:
        return not_readable(path)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, its causes and its contexts."""
    waiting, seen = [error], set[int]()
    while waiting:
        cause = waiting.pop()
        if id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [e for e in (cause.__cause__, cause.__context__) if e is not None]


def _files_named(error: BaseException) -> Iterator[Path]:
    """The files that the causes of a full disk name, the first cause first."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.filename:
            yield Path(os.fsdecode(cause.filename))
        elif isinstance(cause, duckdb.Error):
            yield from (Path(name) for name in _QUOTED_PATH.findall(str(cause)))


def _free(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize
