"""Files whose source has changed leave the raw tables, so that they are read again."""

from collections.abc import Iterator, Mapping, Sequence, Sized

import duckdb

from pipelines.ingest.landing_file import LandingFile
from pipelines.ingest.manifest import FORGOTTEN, FileKey
from pipelines.ingest.raw_writer import known_paths
from pipelines.ingest.sources.fingerprint import fingerprint_source, is_current
from pipelines.ingest.stored_files import (
    StoredFile,
    compared_with,
    drop_files,
    in_landing,
    rebuild_everything,
    stored_files,
)
from pipelines.settings import Settings
from schemas.definitions.procedure import Procedures
from transforms.transaction import transaction


def release_changed(
    con: duckdb.DuckDBPyConnection,
    landed: Sequence[LandingFile],
    procedures: Procedures,
    settings: Settings,
) -> list[str]:
    """Drop the files that a source would read otherwise now; the next step takes them in anew.

    A file is read again when its source has changed, or when it has quarantined rows and its
    procedure has changed; with it go the later files that were compared with it or continue it. A
    file that is not in the landing folder stays as it was read. Returns sentences for the operator.
    Raises `OperationError` when a later file is missing; nothing has changed then.
    """
    stored = {file.key: file for file in stored_files(con) if file.status != FORGOTTEN}
    if not procedures.file_sources and not any(f.source for f in stored.values()):
        return []
    present = _by_key(con, landed, stored)
    stale: list[StoredFile] = []
    for key, files in present.items():
        current = [f for f in files if _is_as_stored(f, stored[key], procedures)]
        if current:
            _note_fingerprint(con, stored[key], current, procedures)
        else:
            stale.append(stored[key])
    gone = [
        file
        for key, file in stored.items()
        if file.source and key not in present and not _has_source(file, procedures)
    ]
    notes: list[str] = []
    if gone:
        files = _counted(gone, "of changed sources")
        notes.append(f"Not in the landing folder, so left as they were read: {files}")
    if stale:
        all_of = {file.key: file for first in stale for file in (first, *compared_with(con, first))}
        why = "they belong to files whose source has changed, which are read again"
        in_landing(landed, all_of.values(), folder=str(settings.landing), why=why)
        with transaction(con):
            drop_files(con, all_of.values())
            rebuild_everything(con)
        notes.append(f"Read again, as their source has changed: {_counted(all_of)}")
    return notes


def _counted(files: Sized, more: str = "") -> str:
    noun = "file" if len(files) == 1 else "files"
    return f"{len(files):,} {noun} {more}".strip()


def _by_key(
    con: duckdb.DuckDBPyConnection,
    landed: Sequence[LandingFile],
    stored: Mapping[FileKey, StoredFile],
) -> dict[FileKey, list[LandingFile]]:
    """The landing files by their bytes, of those that are stored."""
    found: dict[FileKey, list[LandingFile]] = {}
    for file, key in _keys(con, landed, {f.bytes for f in stored.values()}):
        if key in stored:
            found.setdefault(key, []).append(file)
    return found


def _keys(
    con: duckdb.DuckDBPyConnection, landed: Sequence[LandingFile], sizes: set[int]
) -> Iterator[tuple[LandingFile, FileKey]]:
    known = known_paths(con)
    for file in landed:
        if file.size in sizes:
            try:
                yield file, (known.get((file.name, file.mark)) or file.sha256(), file.content)
            except OSError:
                continue  # reported when the file is read


def _is_as_stored(file: LandingFile, stored: StoredFile, procedures: Procedures) -> bool:
    fingerprint = fingerprint_source(file.source, procedures)
    return is_current(
        stored.source_fingerprint, fingerprint, is_whole=not stored.counts.quarantined
    )


def _note_fingerprint(
    con: duckdb.DuckDBPyConnection,
    stored: StoredFile,
    current: Sequence[LandingFile],
    procedures: Procedures,
) -> None:
    """Store the fingerprint of now for a file that would be read as it was."""
    fingerprints = [fingerprint_source(file.source, procedures) for file in current]
    if stored.source_fingerprint not in fingerprints:
        con.execute(
            "update raw.ingest_files set source_fingerprint = $now where file_seq = $file",
            {"now": fingerprints[0], "file": stored.file_seq},
        )


def _has_source(stored: StoredFile, procedures: Procedures) -> bool:
    """Whether the source that a file was read by is still as it was."""
    return any(
        source.name == stored.source
        and is_current(
            stored.source_fingerprint, fingerprint_source(source, procedures), is_whole=True
        )
        for source in procedures.file_sources
    )
