"""The manifest: the ledger's order of files in `data/ledger.ndjson`, outside the warehouse.

A rebuilt warehouse gives each file the number it had, so that versions of one instant keep their
order, whatever the files are called and whenever they come back to the landing folder.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from pipelines.ingest.landing_file import LandingFile
from schemas.errors import OperationError
from schemas.records.dimensions import PROCESSES

FORGOTTEN = "forgotten"

FileKey = tuple[str, str]
"""The sha256 of a file's bytes and its content: `processes` or a dimension."""


@dataclass(frozen=True)
class ManifestEntry:
    """A file that has been taken in: its number in the ledger and what it is known by.

    `is_stored` is False when the present warehouse lacks the file; its number stays reserved.
    """

    file_seq: int
    sha256: str
    content: str
    file_name: str
    bytes: int
    status: str
    is_stored: bool

    @property
    def key(self) -> FileKey:
        return self.sha256, self.content


def read_manifest(path: Path) -> list[ManifestEntry]:
    """The entries in order of their numbers; none when there is no manifest yet.

    Raises `OperationError` when the file is not a manifest.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        entries = [ManifestEntry(**json.loads(line)) for line in lines]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError) as error:
        action = (
            "Restore it from a backup. Without one, delete it: the next run writes it again from "
            "the warehouse."
        )
        raise OperationError(str(path), "is not a manifest of landing files", action) from error
    return sorted(entries, key=lambda entry: entry.file_seq)


def write_manifest(path: Path, con: duckdb.DuckDBPyConnection) -> None:
    """Write the files of the ledger, and those known earlier that the ledger lacks.

    Raises `OperationError` when the present file is not a manifest.
    """
    before = read_manifest(path)
    query = """
        select file_seq, sha256, content, file_name, bytes, status, true
        from raw.ingest_files order by file_seq
    """
    stored = [ManifestEntry(*row) for row in con.execute(query).fetchall()]
    former = """
        select unnest(former_sha256), content from raw.ingest_files
        where len(former_sha256) > 0
    """
    keys = {entry.key for entry in stored} | {*con.execute(former).fetchall()}
    others = [
        ManifestEntry(**{**asdict(entry), "is_stored": False})
        for entry in before
        if entry.key not in keys
    ]
    entries = sorted([*stored, *others], key=lambda entry: entry.file_seq)
    if entries == before:
        return
    waiting = path.with_name(f".{path.name}.writing")
    with waiting.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(entry)) + "\n" for entry in entries)
        file.flush()
        os.fsync(file.fileno())
    waiting.replace(path)


def in_manifest_order(
    files: list[LandingFile], entries: Iterable[ManifestEntry]
) -> list[LandingFile]:
    """The files as they should be read: those that the ledger lacks first, in their old order.

    Files that were forgotten are left out. A file is read to compute its hash only when the
    manifest has one of its size that the ledger lacks.
    """
    missing = {entry.key: entry for entry in entries if not entry.is_stored}
    sizes = {entry.bytes for entry in missing.values()}
    ranked: list[tuple[int, LandingFile]] = []
    others: list[LandingFile] = []
    for file in files:
        entry = missing.get((_hash(file), file.content)) if file.size in sizes else None
        if entry is None:
            others.append(file)
        elif entry.status != FORGOTTEN:
            ranked.append((entry.file_seq, file))
    return [file for _, file in sorted(ranked, key=lambda pair: pair[0])] + others


def next_number(
    con: duckdb.DuckDBPyConnection, reserved: Mapping[FileKey, int], key: FileKey
) -> int:
    """The number of a file in the order of all files: the one it had, or the next free one.

    A dimension file that was overtaken by a later one of its kind gets a new number, because its
    rows are compared with those before them when it is read.
    """
    query = """
        select
            coalesce(max(file_seq), 0),
            count(*) filter (file_seq = $seq),
            count(*) filter (file_seq > $seq and content = $content)
        from raw.ingest_files
    """
    had = reserved.get(key, 0)
    content = key[1]
    last, is_taken, later = con.execute(query, {"seq": had, "content": content}).fetchall()[0]
    if had and not is_taken and (content == PROCESSES or not later):
        return had
    return 1 + max([last, *reserved.values()])


def _hash(file: LandingFile) -> str:
    try:
        return file.sha256()
    except OSError:
        return ""  # reported when the file is read
