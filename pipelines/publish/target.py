"""The names of published files: a file gets one only where it is free, or has an earlier one."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

import duckdb

from pipelines.settings import Settings
from pipelines.warehouse.sync import sync
from schemas.errors import OperationError

_SUFFIX = ".duckdb"
_ACTION = f"Name a new {_SUFFIX} file outside the data folder."
# What file systems say that have no links, or where the two places are on different ones.
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
_BLOCK_BYTES = 4 * 2**20
_OF_OURS = """
    select count(*) from duckdb_columns()
    where (table_name, column_name) in (('build', 'leadtime_version'), ('catalog', 'table_name'))
"""


def require_out(settings: Settings, out: Path) -> None:
    """Raise `OperationError` unless a database may be written to `out`.

    It may where its name ends in `.duckdb`, it lies outside every data folder, and it is a new file
    or a database that leadtime published.
    """
    if out.suffix != _SUFFIX:
        raise OperationError(str(out), f"its name does not end in {_SUFFIX}", _ACTION)
    place = out.parent.resolve() / out.name
    for folder in place.parents:
        if folder == settings.data.resolve() or (folder / "lease.json").exists():
            raise OperationError(str(out), f"lies in the data folder {folder}", _ACTION)
    if os.path.lexists(place) and not _is_published(place):
        found = "exists, and is not a database that leadtime published"
        raise OperationError(str(out), found, _ACTION)


def move_to_name(built: Path, path: Path, *, may_replace: bool = False) -> None:
    """Give the finished file `built` its name, which must be free; its rights come with it.

    With `may_replace` a database that leadtime published may have the name. Raises
    `OperationError` when another file has it.
    """
    if may_replace and os.path.lexists(path) and _is_published(path):
        path.unlink()
    try:
        take_name(built, path)
    except FileExistsError:
        raise OperationError(str(path), "was created during the run", _ACTION) from None
    sync(path.parent)


def take_name(built: Path, path: Path) -> None:
    """Give the finished file `built` its name; raises `FileExistsError` when it is not free."""
    try:
        os.link(built, path)
        built.unlink()
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        _copy_to_name(built, path)


def _copy_to_name(built: Path, path: Path) -> None:
    """As `_take_name` without links: an empty file holds the name while the copy is written."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    copy = Path(name)
    try:
        with built.open("rb") as source, os.fdopen(handle, "wb") as target:
            shutil.copyfileobj(source, target, _BLOCK_BYTES)
        shutil.copystat(built, copy)
        sync(copy)
        copy.replace(path)
    except BaseException:
        path.unlink()
        copy.unlink(missing_ok=True)
        raise
    built.unlink()


def _is_published(path: Path) -> bool:
    """Whether a file, not a link to one, is a database that leadtime published."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        with duckdb.connect(path, read_only=True) as con:
            return con.execute(_OF_OURS).fetchall() == [(2,)]
    except duckdb.Error:
        return False
