"""The lease on the warehouse: one writer at a time, who says who it is.

DuckDB locks its file too, but only says that it is locked; the lease waits, then names the holder.
"""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.settings import now
from schemas.errors import WarehouseBusy

_PAUSE_SECONDS = 0.2


@contextmanager
def hold_lease(folder: Path, *, purpose: str, wait_seconds: float) -> Iterator[None]:
    """Hold the lease of the warehouse in `folder` for the length of the block.

    The operating system takes the lock off when the process ends, however it ends, so there is no
    stale lease to remove. Raises `WarehouseBusy` when it is still held after `wait_seconds`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lease.json").open("a+") as file:
        _lock(file, folder, wait_seconds)
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": now().isoformat(timespec="seconds"),
            "purpose": purpose,
        }
        file.seek(0)
        file.truncate()
        json.dump(holder, file)
        file.flush()
        try:
            yield
        finally:
            file.seek(0)
            file.truncate()


def lease_holder(folder: Path) -> dict[str, Any] | None:
    """Who holds the lease (`pid, host, since, purpose`), or None when nobody does."""
    path = folder / "lease.json"
    if not path.exists():
        return None
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(file)
    return None


def _lock(file: Any, folder: Path, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(_PAUSE_SECONDS)
                continue
            holder = _read(file)
            who = f"{holder.get('purpose', 'a run')} (process {holder.get('pid', 'unknown')}"
            who += f" on {holder.get('host', 'this machine')})"
            action = f"Wait for it to end, or stop that process; then try again. Folder: {folder}"
            raise WarehouseBusy(who, str(holder.get("since", "a moment ago")), action) from None
        return


def _read(file: Any) -> dict[str, Any]:
    file.seek(0)
    try:
        return dict(json.load(file))
    except ValueError:
        return {}
