"""Writes a folder atomically, and counts what was written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.warehouse.file_errors import is_no_space, no_space
from pipelines.warehouse.umask import usual_mode
from schemas.errors import OperationError


@dataclass(frozen=True)
class Written:
    """What an export contains: a count for each noun (in the singular)."""

    counts: dict[str, int]


@contextmanager
def whole_folder(path: Path, *, is_private: bool = False) -> Iterator[Path]:
    """A folder beside `path` to write to, renamed to `path` at the end of the block.

    Nobody else can open it before; afterwards it and its files have the usual rights, unless it
    stays private. After an error, `path` is unchanged. Raises `OperationError` unless `path` is new
    or empty, and when the disk is full.
    """
    target = path.resolve()
    if target.is_dir() and any(target.iterdir()):
        raise OperationError(str(path), "is not empty", "Name a new or an empty folder.")
    if (target.exists() and not target.is_dir()) or not target.parent.is_dir():
        raise OperationError(str(path), "cannot be written to", "Name a new or an empty folder.")
    waiting = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    file_mode, folder_mode = usual_mode(0o666), usual_mode(0o777)
    try:
        yield waiting
        if not is_private:
            for file in waiting.iterdir():
                file.chmod(file_mode)
            waiting.chmod(folder_mode)
        waiting.replace(target)
    except Exception as error:
        if not is_no_space(error):
            raise
        raise no_space(error, target.parent, action="Make room, or name another folder.") from error
    finally:
        shutil.rmtree(waiting, ignore_errors=True)
