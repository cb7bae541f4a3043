"""The lease on the warehouse: one writer at a time, who says who it is.

DuckDB locks its file too, but only says that it is locked; the lease waits, then names the holder.
"""

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pipelines.settings import now
from pipelines.storage import NOT_PERMITTED, may_write, not_writable
from schemas.errors import WarehouseBusy

OnWait = Callable[[str], None]
"""Told who is being waited for, and for how long, when a wait begins."""

_PAUSE_SECONDS = 0.2


@contextmanager
def hold_lease(
    folder: Path, *, purpose: str, wait_seconds: float, on_wait: OnWait = lambda _: None
) -> Iterator[None]:
    """Hold the lease of the warehouse in `folder` for the length of the block.

    The operating system takes the lock off when the process ends, however it ends, so there is no
    stale lease to remove. Raises `WarehouseBusy` when it is still held after `wait_seconds`, and
    `OperationError` when this user may not write there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        opened = (folder / "lease.json").open("a+")
    except OSError as error:
        if error.errno in NOT_PERMITTED:
            raise not_writable(folder) from error
        raise
    with opened as file:
        _lock(file, folder, wait_seconds, on_wait)
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": now().isoformat(timespec="seconds"),
            "purpose": purpose,
        }
        file.truncate(0)
        with suppress(OSError):  # a full disk: the lease is held all the same
            os.write(file.fileno(), json.dumps(holder).encode())
        try:
            yield
        finally:
            file.truncate(0)


@contextmanager
def keep_writers_out(
    folder: Path, *, wait_seconds: float, on_wait: OnWait = lambda _: None
) -> Iterator[None]:
    """Hold the lease for reading; a user who may not write there goes unnamed.

    Raises `WarehouseBusy` when it is still held after `wait_seconds`.
    """
    path = folder / "lease.json"
    if may_write(path if path.exists() else folder):
        with hold_lease(folder, purpose="a reader", wait_seconds=wait_seconds, on_wait=on_wait):
            yield
    elif path.exists():
        with path.open() as file:
            _lock(file, folder, wait_seconds, on_wait)
            yield
    else:
        yield  # nobody has written here yet


def lease_holder(folder: Path) -> dict[str, Any] | None:
    """Who holds the lease (`pid, host, since, purpose`), or None when nobody does."""
    path = folder / "lease.json"
    if not path.exists():
        return None
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(file)
    return None


def _lock(file: Any, folder: Path, wait_seconds: float, on_wait: OnWait) -> None:
    deadline = time.monotonic() + wait_seconds
    is_waiting = False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read(file)
            who, since = holder.get("purpose", "a reader"), holder.get("since", "a moment ago")
            process = f"process {holder.get('pid', 'unknown')}"
            if time.monotonic() < deadline:
                if not is_waiting:
                    patience = f"up to {wait_seconds:g} s"
                    on_wait(f"waiting for {who} ({process}, since {since}), {patience}")
                is_waiting = True
                time.sleep(_PAUSE_SECONDS)
                continue
            who = f"{who} ({process} on {holder.get('host', 'this machine')})"
            action = f"Wait for it to end, or stop that process; then try again. Folder: {folder}"
            raise WarehouseBusy(who, str(since), action) from None
        return


def _read(file: Any) -> dict[str, Any]:
    file.seek(0)
    try:
        return dict(json.load(file))
    except ValueError:
        return {}
