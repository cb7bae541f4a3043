"""Landing files that hold a subject: their lines are listed, or rewritten in place."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO, cast

import duckdb
import zstandard

from pipelines.ingest.erasing.lines import Lines
from pipelines.ingest.formats import TABLES, read_file
from pipelines.ingest.landing import files_of
from pipelines.ingest.landing_file import LandingFile, UnreadableFile, read_blocks
from pipelines.ingest.manifest import write_manifest
from pipelines.ingest.sources.convert import READERS
from pipelines.settings import Settings
from pipelines.warehouse.sync import sync
from schemas.definitions.source import Source
from schemas.errors import OperationError
from transforms.transaction import transaction

REWRITABLE = "ndjson"


@dataclass(frozen=True)
class Held:
    """A landing file and the numbers of its lines (or elements, rows) that hold the subject."""

    file: LandingFile
    lines: tuple[int, ...]


@dataclass
class Listing:
    """The files that hold the subject, and those that could not be read to the end."""

    held: list[Held] = field(default_factory=list[Held])
    unreadable: list[str] = field(default_factory=list[str])

    @property
    def n_lines(self) -> int:
        return sum(len(held.lines) for held in self.held)


def list_lines(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    lines: Lines,
    sources: Sequence[Source] = (),
) -> Listing:
    """The lines of landing files that hold the subject; rows of `sources` are found by values.

    Raises `OperationError` when the folder is missing or cannot be listed.
    """
    listing = Listing()
    for file in files_of(settings, has_data=True, sources=sources)[0]:
        found: list[int] = []
        try:
            found += (
                number for number, text in _texts(file, con) if lines.hold(text, file.content)
            )
        except (UnreadableFile, OSError):
            listing.unreadable.append(file.name)
        if found:
            listing.held.append(Held(file, tuple(found)))
    return listing


def _texts(file: LandingFile, con: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, bytes]]:
    """The lines of a file, or the rows of a table that a source reads, with their numbers."""
    if file.source and file.format in TABLES.values():
        for row in READERS[file.format](file, file.source, con):
            yield row.line, row.text.encode()
        return
    for chunk in read_file(file, con):
        for number, line in enumerate(chunk.texts, chunk.first_line):
            yield number, chunk.too_long.get(number, line)


def require_rewritable(listing: Listing) -> None:
    """Raise `OperationError` for files whose format cannot be rewritten line by line."""
    others = [
        held.file.name
        for held in listing.held
        if held.file.format != REWRITABLE or held.file.source
    ]
    if others:
        action = "Remove or export these files again, or use `--landing list`; nothing was changed."
        raise OperationError(
            ", ".join(others[:10]), "holds the subject and is no file of JSON lines", action
        )


def rewrite_files(
    con: duckdb.DuckDBPyConnection, settings: Settings, listing: Listing, lines: Lines
) -> None:
    """Take personal values out of the listed lines of all files, and tell the manifest."""
    for held in listing.held:
        rewrite(con, held, lines)
    write_manifest(settings.manifest, con)


def rewrite(con: duckdb.DuckDBPyConnection, held: Held, lines: Lines) -> None:
    """Take personal values out of the lines of a file, which keeps its name and mode.

    The ledger has the new hash before the file is replaced, so that no run takes it for new data.
    A line from which nothing can be told apart becomes a blank one. Raises `OperationError` when
    the file has changed since it was listed.
    """
    file = held.file
    before = file.sha256()
    with _beside(file.path) as waiting:
        with waiting.open("wb") as raw, _compressed(raw, file.compression) as target:
            for block in _rewritten(held, lines):
                target.write(block)
        after = _sha256(waiting)
        if not file.is_unchanged():
            action = "Wait until nothing writes to it, then erase again."
            raise OperationError(str(file.path), "it changed meanwhile", action)
        with transaction(con):
            con.execute(
                _NEW_HASH,
                {
                    "before": before,
                    "after": after,
                    "bytes": waiting.stat().st_size,
                    "content": file.content,
                },
            )
            con.execute(
                "delete from raw.landing_paths where file_name = $name", {"name": file.name}
            )
        waiting.chmod(file.path.stat().st_mode & 0o7777)
        waiting.replace(file.path)
        sync(file.path.parent)


def _rewritten(held: Held, lines: Lines) -> Iterator[bytes]:
    numbers, content = set(held.lines), held.file.content
    rest, number = b"", 0
    for block, _ in read_blocks(held.file):
        *whole, rest = (rest + block).split(b"\n")
        yield b"".join(
            (lines.erased(text, content) if place in numbers else text) + b"\n"
            for place, text in enumerate(whole, number + 1)
        )
        number += len(whole)
    if rest:
        yield lines.erased(rest, content) if number + 1 in numbers else rest


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A new hidden file in the same folder, which no run reads; gone if the block fails."""
    waiting = path.with_name(f".{path.name}.erasing")
    waiting.unlink(missing_ok=True)
    handle = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    os.close(handle)
    try:
        yield waiting
    finally:
        waiting.unlink(missing_ok=True)


@contextmanager
def _compressed(raw: BinaryIO, compression: str | None) -> Iterator[IO[bytes]]:
    if compression == "gz":
        with gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as target:
            yield cast("IO[bytes]", target)
    elif compression == "zst":
        with zstandard.ZstdCompressor().stream_writer(raw, closefd=False) as target:
            yield cast("IO[bytes]", target)
    else:
        yield raw
    raw.flush()
    os.fsync(raw.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_texts(held: Iterable[Held], *, shown: int = 10) -> list[str]:
    """The files, each with the first of its lines, for a message."""
    return [
        f"{h.file.name}: line{'s' if len(h.lines) > 1 else ''} "
        f"{', '.join(map(str, h.lines[:shown]))}"
        + (f" and {len(h.lines) - shown:,} more" if len(h.lines) > shown else "")
        for h in held
    ]


_NEW_HASH = """
    update raw.ingest_files
    set
        former_sha256 = list_append(coalesce(former_sha256, []), sha256),
        sha256 = $after,
        bytes = $bytes
    where sha256 = $before and content = $content
"""
