"""The erased subjects of a warehouse, also of one that was built again or restored."""

from __future__ import annotations

from datetime import datetime

import duckdb

from pipelines.ingest.erasing.by_age import Limits, erase_aged
from pipelines.ingest.erasing.changes import find_changes
from pipelines.ingest.erasing.documents import KnownKeys
from pipelines.ingest.erasing.memory import Erased, load_erased, sha256, take_over
from pipelines.ingest.erasing.subject import Subject
from pipelines.ingest.erasing.write import write_changes
from pipelines.ingest.ledger import next_batch
from pipelines.settings import Settings
from schemas.definitions.procedure import Procedures
from transforms.transaction import transaction


def erased_subjects(
    con: duckdb.DuckDBPyConnection, settings: Settings, procedures: Procedures
) -> Erased:
    """The subjects that were erased in the data folder, whatever became of its warehouse since.

    Where the warehouse lacks an erasure, it is carried out again on what is stored. Raises
    `OperationError` when the key or the file of erasures is missing or damaged.
    """
    is_behind = take_over(con, settings)
    erased = load_erased(con, settings)
    if is_behind:
        known = KnownKeys.of(procedures)
        with transaction(con):
            batch_seq = next_batch(con)
            for subject in _stored_subjects(con, erased):
                changes = find_changes(con, known, subject, by_value=False)
                write_changes(con, changes, erased, batch_seq=batch_seq)
            erase_aged(con, known, erased, Limits(versions=erased.until), batch_seq=batch_seq)
    return erased


def _stored_subjects(con: duckdb.DuckDBPyConnection, erased: Erased) -> list[Subject]:
    """The erased subjects that the warehouse has rows of, one for each end of their erasure."""
    found: dict[datetime | None, dict[str, list[str]]] = {}
    for kind, id_ in con.execute(_IDS).fetchall():
        key = (kind, sha256(id_))
        if key in erased.ids:
            found.setdefault(erased.ids[key], {}).setdefault(kind, []).append(id_)
    return [
        Subject(
            "process",
            tuple(ids.get("process", ())),
            tuple(ids.get("record", ())),
            tuple(ids.get("user", ())),
            until=until,
        )
        for until, ids in found.items()
    ]


_IDS = """
    select distinct 'process', process_id::varchar from raw.process_versions
    union
    select distinct 'process', lower(process_id) from raw.quarantine where process_id is not null
    union
    select distinct 'process', process_id::varchar from raw.dimension_rows
    where process_id is not null
    union
    select distinct rtrim(dimension, 's'), id::varchar from raw.dimension_rows
    where dimension in ('records', 'users')
"""
