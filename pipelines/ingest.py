"""Landing files -> the raw tables: each file in one transaction, with its row in the ledger.

What is right or wrong with a record is decided in `transforms/validation.py`; reading bytes is
`landing.py`, `elements.py` and `parquet.py`.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Literal

import duckdb

from pipelines.elements import read_elements
from pipelines.judging import Judged, Judges
from pipelines.landing import Chunk, LandingFile, UnreadableFile, read_chunks
from pipelines.parquet import read_rows
from pipelines.store import Counts, Store
from schemas.core_record import ONE_DAY_MS
from schemas.definitions import Procedures
from schemas.dimensions import PROCESSES

Progress = Callable[[int], None]
"""Told the number of bytes of landing files that have been dealt with since the last call."""

_READERS = {"ndjson": read_chunks, "json": read_elements, "parquet": read_rows}


@dataclass
class IngestReport:
    """What a run took in: files by what became of them, and their lines in total.

    `rejudged` has, by procedure, how many stored versions had to be judged again beforehand.
    `unreadable` files cannot be read to their end, `unopened` ones may not be read by this user.
    `dimension_rows` are those of the accepted lines that are no versions of processes.
    """

    files: int = 0
    seen_before: int = 0
    still_written: list[str] = field(default_factory=list[str])
    unreadable: list[str] = field(default_factory=list[str])
    unopened: list[str] = field(default_factory=list[str])
    counts: Counts = field(default_factory=Counts)
    dimension_rows: int = 0
    rejudged: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class _Part:
    """One event in the reading of a file; `sha256` is empty where the file could not be opened."""

    file: LandingFile
    sha256: str
    kind: Literal["chunk", "end", "broken", "known", "seen", "gone", "unopened"]
    problem: str = ""


def ingest(
    con: duckdb.DuckDBPyConnection,
    files: list[LandingFile],
    procedures: Procedures,
    *,
    started_at: datetime,
    progress: Progress = lambda _: None,
) -> IngestReport:
    """Take in the files that have not been seen, in their order; `started_at` is the run's start.

    A file is one transaction: after a crash it is there whole or not at all. A file that changes
    while it is read is left for the next run, and so is one that may not be opened, which the
    report names. A file that cannot be read to its end becomes one quarantined line. Raises
    `AssertionError` when lines do not add up; the file is then not in.
    """
    store = Store(con, started_at)
    report = IngestReport()
    hashing = ThreadPoolExecutor(max_workers=1)
    try:
        with Judges(procedures, int(started_at.timestamp() * 1000) + ONE_DAY_MS) as judges:
            # Reading runs ahead of writing, into the next files: small files are judged together.
            parts = judges.judge(_read(files, store, hashing))
            for file, of_file in groupby(parts, key=lambda part: part[0].file):
                _take_in(store, file, of_file, report, progress)
    finally:
        hashing.shutdown(cancel_futures=True)
    return report


def _read(
    files: list[LandingFile], store: Store, hashing: ThreadPoolExecutor
) -> Iterator[tuple[_Part, Chunk | None]]:
    """The chunks of the files that are new; the last part of a file has no chunk."""
    known = store.known_paths()
    waiting = [(file, _hash_later(hashing, file, known)) for file in files]
    ahead: set[tuple[str, str]] = set()
    for file, digest in waiting:
        try:
            sha256 = digest if isinstance(digest, str) else digest.result()
        except FileNotFoundError:
            yield _Part(file, "", "gone", "it is gone"), None
            continue
        except OSError as error:
            reason = f"it cannot be opened: {error.strerror or error}"
            yield _Part(file, "", "unopened", reason), None
            continue
        if (sha256, file.content) in ahead or store.has_file(sha256, file.content):
            yield _Part(file, sha256, "known" if digest is sha256 else "seen"), None
            continue
        ahead.add((sha256, file.content))
        try:
            for chunk in _READERS[file.format](file):
                yield _Part(file, sha256, "chunk"), chunk
            yield _Part(file, sha256, "end"), None
        except UnreadableFile as problem:
            yield _Part(file, sha256, "broken", str(problem)), None
        except FileNotFoundError:
            yield _Part(file, sha256, "gone", "it is gone"), None


def _hash_later(
    pool: ThreadPoolExecutor, file: LandingFile, known: dict[tuple[str, int, int], str]
) -> str | Future[str]:
    """The sha256 of a file: remembered when neither size nor time changed, else being computed."""
    return known.get((file.name, file.size, file.mtime_ns)) or pool.submit(file.sha256)


def _take_in(
    store: Store,
    file: LandingFile,
    parts: Iterable[tuple[_Part, Judged | None]],
    report: IngestReport,
    progress: Progress,
) -> None:
    """Write the parts of one file, and report what became of it."""
    done = 0
    store.begin()
    try:
        for part, judged in parts:
            if judged is not None:
                store.add(judged)
                position = max(done, min(judged.position, file.size))
                progress(position - done)
                done = position
            else:
                _end(store, part, report)
    finally:
        store.rollback()
    progress(file.size - done)


def _end(store: Store, last: _Part, report: IngestReport) -> None:
    file, sha256 = last.file, last.sha256
    is_in = store.has_file(sha256, file.content)
    if not file.is_unchanged() or (last.kind in ("known", "seen") and not is_in):
        report.still_written.append(file.name)
    elif last.kind == "known":
        report.seen_before += 1
    elif last.kind == "seen":
        report.seen_before += 1
        store.remember(file, sha256)
    elif last.kind == "unopened":
        report.unopened.append(f"{file.name}: {last.problem}")
    elif last.kind == "gone":
        report.unreadable.append(f"{file.name}: {last.problem}")
    else:
        if last.kind == "broken":
            report.unreadable.append(f"{file.name}: {last.problem}")
            store.rollback()
            store.begin()
            store.add_unreadable(last.problem)
        counts = store.commit(file, sha256)
        report.counts += counts
        if file.content != PROCESSES:
            report.dimension_rows += counts.accepted
        report.files += 1
