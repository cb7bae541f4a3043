"""Landing files of a pull: nobody reads one before it is complete and on the disk."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipelines.ingest.manifest import read_manifest
from pipelines.settings import Settings
from pipelines.warehouse.file_errors import atomic_write
from pipelines.warehouse.sync import sync
from schemas.errors import OperationError
from schemas.records.dimensions import DIMENSIONS

FOLDER = "pull"
"""The folder of these files in the landing folder, and so the `landing_source` of processes."""
_SUFFIX = ".ndjson.gz"


class Part:
    """A landing file that begins with its first line; without a line there is none.

    The block of a `with` statement that fails leaves no file behind.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = 0
        self._stack = ExitStack()
        self._file: gzip.GzipFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        place: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, place)
        if kind is None and self.lines:
            for folder in (self.path.parent, self.path.parent.parent):  # it may be new
                sync(folder)

    def write(self, line: bytes) -> None:
        """Add a line. Raises `OperationError` when the file cannot be written."""
        if self._file is None:
            self._file = self._open()
        self._file.write(line + b"\n")
        self.lines += 1

    def _open(self) -> gzip.GzipFile:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():  # it may be the only copy of former versions
            action = "Check the clock of this machine, then pull again."
            raise OperationError(str(self.path), "exists already", action)
        push = self._stack.enter_context
        waiting = push(atomic_write(self.path, "a landing folder"))
        self._stack.callback(sync, waiting)
        raw = push(waiting.open("wb"))
        # Without a time: equal content is an equal file, which a run knows.
        return push(gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6))


def part_name(start: str, at: datetime, number: int) -> str:
    """The name in the landing folder of the n-th file of a list in a pull that began `at`.

    A file of a dimension is named like it, so that each has a folder of its own.
    """
    if start in DIMENSIONS:
        return f"{FOLDER}/{_stamp(at)}-{number:03}/{start}{_SUFFIX}"
    return f"{FOLDER}/{start}-{_stamp(at)}-{number:03}{_SUFFIX}"


def dimension_name(dimension: str, at: datetime) -> str:
    """The name in the landing folder of the file of a dimension in a pull that began `at`."""
    return f"{FOLDER}/{_stamp(at)}/{dimension}{_SUFFIX}"


def config_path(settings: Settings, at: datetime) -> Path:
    """Where the configuration is kept that a pull that began `at` got."""
    return settings.pull / f"config-{_stamp(at)}.json.gz"


def remove_leftovers(settings: Settings) -> None:
    """Remove the unfinished files of pulls that were killed; no other pull is at work."""
    for path in (settings.landing / FOLDER).rglob(f".*{_SUFFIX}.*"):
        path.unlink(missing_ok=True)


class Arrived:
    """The landing files of pulls that a run has taken in, or still can."""

    def __init__(self, settings: Settings) -> None:
        self._landing = settings.landing
        self._taken_in = {entry.file_name for entry in read_manifest(settings.manifest)}

    def __call__(self, name: str) -> bool:
        return name in self._taken_in or (self._landing / name).is_file()


def with_name(line: bytes, members: Mapping[str, Any], name: str | None) -> bytes:
    """The line of an object, with `name` as its last member unless it has one of this key."""
    if name is None or "name" in members:
        return line
    comma = b"," if members else b""
    return line[:-1] + comma + f'"name":{json.dumps(name)}}}'.encode()


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03}Z"
