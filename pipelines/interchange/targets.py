"""Folders that are there whole or not at all, and how much was written.

Files likewise are for `storage.py`; what is written into them does not belong here.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.storage import is_no_space, no_space
from schemas.errors import SourceError


@dataclass(frozen=True)
class Written:
    """What an export holds: how many of each noun (in the singular)."""

    counts: dict[str, int]


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path` to write to; it becomes `path` at the end of the block.

    After an error nothing has changed. Raises `SourceError` unless `path` is new or empty, and
    `OperationError` when the disk is full.
    """
    target = path.resolve()
    if target.is_dir() and any(target.iterdir()):
        raise SourceError(str(path), "there is something in it", "Name a new or an empty folder.")
    if (target.exists() and not target.is_dir()) or not target.parent.is_dir():
        raise SourceError(str(path), "cannot be written to", "Name a new or an empty folder.")
    waiting = target.with_name(f".{target.name}.writing")
    shutil.rmtree(waiting, ignore_errors=True)
    waiting.mkdir()
    try:
        yield waiting
        waiting.replace(target)
    except Exception as error:
        if not is_no_space(error):
            raise
        raise no_space(target.parent, said="Make room, or name another folder.") from error
    finally:
        shutil.rmtree(waiting, ignore_errors=True)
