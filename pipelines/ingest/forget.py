"""Forgetting a landing file: its lines leave the raw tables as if it had never been taken in."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from pipelines.ingest.erasing.again import erased_subjects
from pipelines.ingest.files import IngestReport, ingest
from pipelines.ingest.landing import files_of
from pipelines.ingest.ledger import Counts
from pipelines.ingest.manifest import FORGOTTEN, read_manifest, write_manifest
from pipelines.ingest.revalidate import revalidate
from pipelines.ingest.stored_files import (
    StoredFile,
    compared_with,
    delete_lines,
    drop_files,
    in_landing,
    rebuild_everything,
    stored_files,
)
from pipelines.settings import Settings
from schemas.definitions.procedure import Procedures
from schemas.errors import OperationError
from transforms.transaction import transaction

_HASH_CHARACTERS = 12


@dataclass(frozen=True)
class Forgotten:
    """A file that was forgotten: its lines before, and the files that were read again.

    Files are read again whose lines may have been dropped as duplicates of the forgotten ones.
    """

    file_name: str
    counts: Counts
    reread: IngestReport


def forget(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    procedures: Procedures,
    name: str,
    *,
    started_at: datetime,
) -> Forgotten:
    """Take the lines of one landing file out of the raw tables; the next run rebuilds the tables.

    `name` is the file's name in the ledger or the start of its sha256. The file stays in the
    ledger, without lines, so that no run takes it in again. Later files that were compared with it
    are read again under their old numbers. Raises `OperationError` when `name` is not one file, or
    the landing folder lacks a file that must be read again; nothing has changed then. Raises
    `CorruptWarehouse` when the ledger and the raw tables disagree.
    """
    file = _find(con, name)
    # Stored versions and those read again must have been validated by the same definitions.
    revalidate(con, procedures)
    erased = erased_subjects(con, settings, procedures)
    compared = compared_with(con, file)
    landed = files_of(settings, has_data=True, sources=procedures.file_sources)[0]
    again = in_landing(
        landed if compared else [],
        compared,
        folder=str(settings.landing),
        why="lines of them may have been dropped as duplicates of the file to forget",
    )
    write_manifest(settings.manifest, con)  # it keeps the numbers of the files that are read again
    with transaction(con):
        delete_lines(con, file)
        drop_files(con, compared)
        con.execute(_CLEAR, {"status": FORGOTTEN, "file": file.file_seq})
        rebuild_everything(con)
    entries = read_manifest(settings.manifest)
    reserved = {entry.key: entry.file_seq for entry in entries}
    report = ingest(con, again, procedures, started_at=started_at, reserved=reserved, erased=erased)
    write_manifest(settings.manifest, con)
    return Forgotten(file.file_name, file.counts, report)


def _find(con: duckdb.DuckDBPyConnection, name: str) -> StoredFile:
    found = [stored for stored in stored_files(con) if stored.file_name == name]
    if not found and len(name) >= _HASH_CHARACTERS:
        found = [stored for stored in stored_files(con) if stored.sha256.startswith(name)]
    if not found:
        action = '`leadtime query "select file_name from ingest_files"` lists the files.'
        raise OperationError(name, "is not a file of the ledger", action)
    if len(found) > 1:
        hashes = ", ".join(stored.sha256[:_HASH_CHARACTERS] for stored in found)
        action = f"Give the start of the sha256 instead, one of {hashes}."
        raise OperationError(name, f"is the name of {len(found)} files", action)
    if found[0].status == FORGOTTEN:
        raise OperationError(name, "is forgotten already", "Nothing has changed.")
    return found[0]


_CLEAR = """
    update raw.ingest_files
    set
        status = $status,
        problem = null,
        lines = 0,
        accepted = 0,
        duplicates = 0,
        quarantined = 0,
        blank = 0,
        added = 0,
        erased = 0
    where file_seq = $file
"""
