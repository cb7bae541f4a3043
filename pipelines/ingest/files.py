"""Landing files -> the raw tables: each file in one transaction, with its row in the ledger."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Literal

import duckdb

from pipelines.ingest.chunks import Chunk
from pipelines.ingest.elsewhere import FileRead, Tasks, reading, sent_elsewhere
from pipelines.ingest.erasing.arrivals import Arrivals
from pipelines.ingest.erasing.memory import NOTHING_ERASED, Erased
from pipelines.ingest.formats import read_file
from pipelines.ingest.landing_file import FileMark, LandingFile, UnreadableFile
from pipelines.ingest.manifest import FileKey
from pipelines.ingest.raw_writer import Counts, Store, known_paths
from pipelines.ingest.sources.before import CONTINUED
from pipelines.ingest.sources.convert import Piece, convert
from pipelines.ingest.sources.fingerprint import fingerprint_source
from pipelines.ingest.validate_chunks import ChunkValidators
from pipelines.ingest.validated_chunk import ValidatedChunk
from schemas.definitions.procedure import Procedures
from schemas.definitions.source import Source
from schemas.records.dimensions import PROCESSES
from schemas.records.limits import latest_ms

Progress = Callable[[int], None]
"""Told the number of bytes of landing files that have been dealt with since the last call."""


@dataclass
class IngestReport:
    """What a run took in: files by what became of them, and their lines in total.

    `revalidated` has, by procedure, how many stored versions had to be validated again beforehand.
    `unreadable` files cannot be read to their end, `unopened` ones may not be read by this user.
    `dimension_rows` are those of the accepted lines that are not versions of processes. `notes` are
    sentences on what the operator should know about the warehouse.
    """

    files: int = 0
    seen_before: int = 0
    still_written: list[str] = field(default_factory=list[str])
    unreadable: list[str] = field(default_factory=list[str])
    unopened: list[str] = field(default_factory=list[str])
    counts: Counts = field(default_factory=Counts)
    dimension_rows: int = 0
    revalidated: dict[str, int] = field(default_factory=dict[str, int])
    notes: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class _Part:
    """One event in the reading of a file; `sha256` is empty where the file could not be opened.

    A `piece` is one of a file that a source converts; `made` counts the lines that it made beyond
    those of the file.
    """

    file: LandingFile
    sha256: str
    kind: Literal["chunk", "end", "broken", "known", "seen", "gone", "unopened"]
    problem: str = ""
    piece: Piece | None = None
    made: int = 0


_Parts = Iterator[tuple[_Part, ValidatedChunk | None]]


def ingest(
    con: duckdb.DuckDBPyConnection,
    files: list[LandingFile],
    procedures: Procedures,
    *,
    started_at: datetime,
    progress: Progress = lambda _: None,
    reserved: Mapping[FileKey, int] | None = None,
    erased: Erased = NOTHING_ERASED,
    finds_clean: bool = True,
    elsewhere: Tasks | None = None,
) -> IngestReport:
    """Ingest the files that have not been seen, in their order; `started_at` is the run's start.

    `reserved` are the numbers in the ledger that files had in an earlier warehouse. Lines about
    `erased` subjects are taken in without personal values. Unless it
    `finds_clean` lines before, every line is validated, with the same result. Where new files are
    large, those without a source are parsed and validated `elsewhere`, if that is given.
    A file is one transaction: after a crash it is there whole or not at all. A file that changes
    while it is read is left for the next run, and so is one that may not be opened, which the
    report names. A file that cannot be read to its end becomes one quarantined line. Raises
    `CorruptWarehouse` when lines do not add up; the file is then not in.
    """
    arrivals = Arrivals(con, erased, procedures)
    store = Store(con, started_at, arrivals, reserved, procedures)
    report = IngestReport()
    hashing = ThreadPoolExecutor(max_workers=1)
    latest = latest_ms(started_at)
    known = known_paths(con)
    away = sent_elsewhere([f for f in files if (f.name, f.mark) not in known]) if elsewhere else []
    paths = {file.path for file in away}
    try:
        with (
            ChunkValidators(con, procedures, latest) as validators,
            reading(elsewhere, away, procedures, latest) as read,
        ):
            # Reading runs ahead of writing, into the next files: small files go together.
            work = validators.take_in if finds_clean else validators.validate

            def read_here(some: Iterable[LandingFile]) -> _Parts:
                return work(_read(some, store, hashing, procedures))

            for group in _groups(files):
                for is_away, found in groupby(group, key=lambda file: file.path in paths):
                    some = [*found]
                    parts = _read_away(some, read, store, read_here) if is_away else read_here(some)
                    for file, of_file in groupby(parts, key=lambda part: part[0].file):
                        _take_in(store, file, of_file, report, progress)
    finally:
        hashing.shutdown(cancel_futures=True)
    report.notes += store.notes
    return report


def _groups(files: list[LandingFile]) -> Iterator[list[LandingFile]]:
    """Files that are read together, in order: what continues earlier files waits for them."""
    group: list[LandingFile] = []
    for file in files:
        if file.source and file.source.shape in CONTINUED and group:
            yield group
            group = []
        group.append(file)
    yield group


def are_known(
    con: duckdb.DuckDBPyConnection, files: list[LandingFile], procedures: Procedures
) -> bool:
    """Whether all files are in the ledger, known by name, size and times without reading them, and
    were read as they would be now.
    """
    query = """
        select p.file_name, p.bytes, p.mtime_ns, p.ctime_ns, f.content, f.source_fingerprint
        from raw.landing_paths as p
        inner join raw.ingest_files as f using (sha256)
    """
    known = set(con.execute(query).fetchall())
    return all(
        (file.name, *file.mark, file.content, fingerprint_source(file.source, procedures)) in known
        and not file.is_recent
        for file in files
    )


def _read_away(
    files: Iterable[LandingFile],
    read: Iterator[FileRead],
    store: Store,
    read_here: Callable[[Iterable[LandingFile]], _Parts],
) -> _Parts:
    """The validated chunks of files that others read; one that they do not see is read here."""
    for file, found in zip(files, read, strict=False):
        if found.kind == "hidden":
            yield from read_here([file])
        elif store.has_file(found.sha256, file.content):
            yield _Part(file, found.sha256, "seen"), None
        else:
            for validated in found.chunks():
                yield _Part(file, found.sha256, "chunk"), validated
            yield _Part(file, found.sha256, found.kind, found.problem), None


def _read(
    files: Iterable[LandingFile], store: Store, hashing: ThreadPoolExecutor, procedures: Procedures
) -> Iterator[tuple[_Part, Chunk | None]]:
    """The chunks of the files that are new; the last part of a file has no chunk."""
    known = known_paths(store.con)
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
            if file.source:
                yield from _converted(file, file.source, sha256, store, procedures)
                continue
            for chunk in read_file(file, store.con):
                yield _Part(file, sha256, "chunk"), chunk
            yield _Part(file, sha256, "end"), None
        except UnreadableFile as problem:
            yield _Part(file, sha256, "broken", str(problem)), None
        except FileNotFoundError:
            yield _Part(file, sha256, "gone", "it is gone"), None


def _converted(
    file: LandingFile, source: Source, sha256: str, store: Store, procedures: Procedures
) -> Iterator[tuple[_Part, Chunk | None]]:
    made = 0
    for piece in convert(file, source, procedures, store.con):
        made += piece.made
        if piece.chunk or piece.done:
            yield _Part(file, sha256, "chunk", piece=piece), piece.chunk
    yield _Part(file, sha256, "end", made=made), None


def _hash_later(
    pool: ThreadPoolExecutor, file: LandingFile, known: Mapping[tuple[str, FileMark], str]
) -> str | Future[str]:
    """The sha256 of a file: the stored one when size and times are the same, else computed."""
    return known.get((file.name, file.mark)) or pool.submit(file.sha256)


def _take_in(
    store: Store,
    file: LandingFile,
    parts: Iterable[tuple[_Part, ValidatedChunk | None]],
    report: IngestReport,
    progress: Progress,
) -> None:
    """Write the parts of one file, and report what became of it."""
    done = 0
    has_begun = False
    try:
        for part, result in parts:
            validated = result if part.piece is None else part.piece.finish(result)
            if not has_begun:
                store.begin(file, part.sha256)
                has_begun = True
            if validated is not None:
                store.add(validated)
                position = max(done, min(validated.position, file.size))
                progress(position - done)
                done = position
            else:
                _end(store, part, report)
    finally:
        store.rollback()
    progress(file.size - done)


def _is_as_read(file: LandingFile, sha256: str, kind: str) -> bool:
    """Whether the file still has the bytes that were hashed before it was read.

    Within a moment of its last change the time of change does not decide: the bytes do.
    """
    if not file.is_unchanged():
        return False
    if kind in ("gone", "unopened") or not file.is_recent:
        return True
    try:
        return file.sha256() == sha256 and file.is_unchanged()
    except OSError:
        return False


def _end(store: Store, last: _Part, report: IngestReport) -> None:
    file, sha256 = last.file, last.sha256
    is_in = store.has_file(sha256, file.content)
    if not _is_as_read(file, sha256, last.kind) or (last.kind in ("known", "seen") and not is_in):
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
            store.begin(file, sha256)
            store.add_unreadable(last.problem)
        else:
            store.add_made(last.made)
        counts = store.commit(file, sha256)
        report.counts += counts
        if file.content != PROCESSES:
            report.dimension_rows += counts.accepted
        elif file.source:
            report.dimension_rows += store.dimension_rows()
        report.files += 1
