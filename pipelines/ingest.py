"""Landing files -> the raw tables: each file in one transaction, with its row in the ledger.

What is right or wrong with a record is decided in `transforms/validation.py`; reading bytes is
`landing.py`, `elements.py` and `parquet.py`.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from pipelines.elements import read_elements
from pipelines.judging import Judges
from pipelines.landing import LandingFile, UnreadableFile, read_chunks
from pipelines.parquet import read_rows
from pipelines.store import Counts, Store
from schemas.core_record import ONE_DAY_MS
from schemas.definitions import Procedures

Progress = Callable[[int], None]
"""Told the number of bytes of landing files that have been dealt with since the last call."""

_READERS = {"ndjson": read_chunks, "json": read_elements, "parquet": read_rows}


@dataclass
class IngestReport:
    """What a run took in: files by what became of them, and their lines in total."""

    files: int = 0
    seen_before: int = 0
    still_written: list[str] = field(default_factory=list[str])
    unreadable: list[str] = field(default_factory=list[str])
    counts: Counts = field(default_factory=Counts)


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
    while it is read is left for the next run. A file that cannot be read to its end becomes one
    quarantined line. Raises `AssertionError` when lines do not add up; the file is then not in.
    """
    store = Store(con, started_at)
    latest_ms = int(started_at.timestamp() * 1000) + ONE_DAY_MS
    report = IngestReport()
    known = store.known_paths()
    with Judges(procedures, latest_ms) as judges, ThreadPoolExecutor(max_workers=1) as hashing:
        waiting = [(file, _hash_later(hashing, file, known)) for file in files]
        for file, digest in waiting:
            sha256 = digest if isinstance(digest, str) else digest.result()
            if not file.is_unchanged():
                report.still_written.append(file.name)
            elif store.has_file(sha256):
                report.seen_before += 1
                if not isinstance(digest, str):
                    store.remember_path(file, sha256)
            else:
                _ingest_file(store, judges, file, sha256, report, progress)
                continue
            progress(file.size)
    return report


def _hash_later(
    pool: ThreadPoolExecutor, file: LandingFile, known: dict[tuple[str, int, int], str]
) -> str | Future[str]:
    """The sha256 of a file: remembered when neither size nor time changed, else being computed."""
    return known.get((file.name, file.size, file.mtime_ns)) or pool.submit(file.sha256)


def _ingest_file(
    store: Store,
    judges: Judges,
    file: LandingFile,
    sha256: str,
    report: IngestReport,
    progress: Progress,
) -> None:
    done = 0
    store.begin(file)
    try:
        try:
            for judged in judges.judge(_READERS[file.format](file)):
                store.add(judged)
                progress(max(0, min(judged.position, file.size) - done))
                done = max(done, min(judged.position, file.size))
        except UnreadableFile as problem:
            store.rollback()
            store.begin(file)
            store.add_unreadable(str(problem))
            report.unreadable.append(f"{file.name}: {problem}")
        if not file.is_unchanged():
            store.rollback()
            report.still_written.append(file.name)
            return
        report.counts += store.commit(file, sha256)
        report.files += 1
    except BaseException:
        store.rollback()
        raise
    finally:
        progress(file.size - done)
