"""The lease on the warehouse: one process at a time, which others can identify.

DuckDB locks its file too, but does not wait, and names no holder.
"""

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from pipelines.settings import now
from pipelines.warehouse.file_errors import (
    NOT_PERMITTED,
    may_read,
    may_write,
    not_readable,
    not_writable,
)
from schemas.errors import WarehouseBusy

OnWait = Callable[[str], None]
"""Receives a message when a wait begins: who holds the lease, and how long to wait at most."""

_PAUSE_SECONDS = 0.2


@contextmanager
def hold_lease(
    folder: Path, *, purpose: str, wait_seconds: float, on_wait: OnWait = lambda _: None
) -> Iterator[None]:
    """Hold the lease of the warehouse in `folder` for the length of the block.

    The operating system releases the lock when the process ends in any way, so there are no stale
    leases. Raises `WarehouseBusy` when it is still held after `wait_seconds`, and
    `OperationError` when this user may not write there.
    """
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        opened = _open_private(folder / "lease.json")
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
    """Hold the lease for reading; a user who may not write there is not named as its holder.

    Raises `WarehouseBusy` when it is still held after `wait_seconds`, and `OperationError` when
    this user may not read the warehouse.
    """
    path = folder / "lease.json"
    if may_write(path if path.exists() else folder):
        with hold_lease(folder, purpose="a reader", wait_seconds=wait_seconds, on_wait=on_wait):
            yield
    elif not may_read(path):
        raise not_readable(path)
    elif path.exists():
        with path.open() as file:
            _lock(file, folder, wait_seconds, on_wait)
            yield
    else:
        yield  # a new folder


def lease_holder(folder: Path) -> dict[str, Any] | None:
    """Who holds the lease (`pid, host, since, purpose`); None if it is free, or not for this user.

    Whoever can read the file of the lease can also take it.
    """
    path = folder / "lease.json"
    if not path.exists() or not may_read(path):
        return None
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(file)
    return None


def _open_private(path: Path) -> TextIO:
    """Open a file that is its owner's alone, and no link to one, for reading and appending."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o600), "a+")


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
            raise WarehouseBusy(str(folder), holder=who, since=str(since)) from None
        return


def _read(file: Any) -> dict[str, Any]:
    file.seek(0)
    try:
        return dict(json.load(file))
    except ValueError:
        return {}
