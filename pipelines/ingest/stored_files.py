"""Files of the ledger that leave the raw tables again, to be read anew under their old numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.ingest.landing_file import LandingFile
from pipelines.ingest.ledger import Counts
from pipelines.ingest.manifest import FORGOTTEN
from pipelines.ingest.sources.convert import USERS
from schemas.errors import OperationError
from schemas.records.dimensions import PROCESSES
from schemas.records.limits import LINES_PER_FILE

_LISTED = 10


@dataclass(frozen=True)
class StoredFile:
    """A file of the ledger, with the source that it was read by, if any, and its fingerprint."""

    file_seq: int
    sha256: str
    content: str
    file_name: str
    status: str
    bytes: int
    source: str | None
    source_fingerprint: str | None
    counts: Counts

    @property
    def key(self) -> tuple[str, str]:
        return self.sha256, self.content


def stored_files(con: duckdb.DuckDBPyConnection) -> list[StoredFile]:
    """The files of the ledger in order of their numbers."""
    counts = ", ".join(Counts.__dataclass_fields__)
    query = f"""
        select
            file_seq, sha256, content, file_name, status, bytes, source, source_fingerprint,
            {counts}
        from raw.ingest_files order by file_seq
    """
    rows: list[tuple[Any, ...]] = con.execute(query).fetchall()
    return [
        StoredFile(number, sha256, content, name, status, size, source, fingerprint, Counts(*lines))
        for number, sha256, content, name, status, size, source, fingerprint, *lines in rows
    ]


def compared_with(con: duckdb.DuckDBPyConnection, file: StoredFile) -> list[StoredFile]:
    """Later files whose duplicates may be those of `file`; of a dimension or a source, all."""
    return [
        stored
        for stored in stored_files(con)
        if (stored.content == file.content or (file.source and stored.content == USERS))
        and stored.file_seq > file.file_seq
        and stored.status != FORGOTTEN
        and (
            (file.source is not None and stored.source == file.source)
            or (file.counts.accepted and (stored.counts.duplicates or file.content != PROCESSES))
        )
    ]


def in_landing(
    landed: Sequence[LandingFile], wanted: Iterable[StoredFile], *, folder: str, why: str
) -> list[LandingFile]:
    """The landing files with the bytes of these files, in order of their numbers in the ledger.

    Raises `OperationError` when some are missing; `why` says what they are needed for.
    """
    by_key = {stored.key: stored for stored in wanted}
    sizes = {stored.bytes for stored in by_key.values()}
    found: dict[tuple[str, str], LandingFile] = {}
    for file in landed:
        if file.size in sizes:
            found.setdefault((file.sha256(), file.content), file)
    missing = [stored.file_name for key, stored in by_key.items() if key not in found]
    if missing:
        more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
        files = f"{', '.join(missing[:_LISTED])}{more}"
        action = f"Bring back {files}: {why}. Then try again."
        raise OperationError(folder, "files are missing", action)
    return [found[key] for key in by_key]


def delete_lines(con: duckdb.DuckDBPyConnection, stored: StoredFile) -> None:
    """Delete what a file brought from the raw tables, except for its row of the ledger."""
    first = stored.file_seq * LINES_PER_FILE
    parameters = {"first": first, "after": first + LINES_PER_FILE}
    for table in ("process_versions", "violations", "dimension_rows", "quarantine"):
        con.execute(
            f"delete from raw.{table} where ingest_seq >= $first and ingest_seq < $after",
            parameters,
        )


def drop_files(con: duckdb.DuckDBPyConnection, files: Iterable[StoredFile]) -> None:
    """Delete files from the ledger with all that they brought."""
    numbers: list[int] = []
    for stored in files:
        delete_lines(con, stored)
        numbers.append(stored.file_seq)
    con.execute(
        "delete from raw.ingest_files where list_contains($numbers, file_seq)",
        {"numbers": numbers},
    )


def rebuild_everything(con: duckdb.DuckDBPyConnection) -> None:
    """Let the next run rebuild every table: processes may have lost all their versions."""
    query = (
        "select count(*) from duckdb_tables() "
        "where schema_name = 'history' and table_name = 'watermarks'"
    )
    if con.execute(query).fetchall()[0][0]:
        con.execute("delete from history.watermarks")
