"""Leftovers of runs that were interrupted, removed by the next process that holds the lease."""

import os
import shutil
from pathlib import Path

from pipelines.settings import Settings

_READER = "reader-"


def reader_folder(settings: Settings) -> Path:
    """The folder for temporary files of a reader of the published database: of this process."""
    return settings.temporary / f"{_READER}{os.getpid()}"


def remove_leftovers(settings: Settings) -> None:
    """Remove temporary files and unfinished generations; the caller holds the lease.

    Readers do not hold it: their files stay while they run.
    """
    for path in settings.temporary.glob("*"):
        if path.is_dir() and not path.is_symlink():
            reader = path.name.removeprefix(_READER)
            if not (path.name.startswith(_READER) and is_running(reader)):
                shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    for path in settings.generations.glob(".analytics-*"):
        path.unlink(missing_ok=True)


def is_running(pid: str) -> bool:
    """Whether a process of this machine has this number."""
    try:
        os.kill(int(pid), 0)  # signal 0 only tests
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
