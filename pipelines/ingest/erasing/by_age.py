"""Erasing by age: versions, records and texts of rejected lines that are older than allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from pipelines.ingest.erasing.changes import Changes, find_changes
from pipelines.ingest.erasing.documents import KnownKeys
from pipelines.ingest.erasing.memory import EVERY_PROCESS, Erased, remember
from pipelines.ingest.erasing.subject import Subject
from pipelines.ingest.erasing.write import erase_texts, write_changes
from pipelines.ingest.ledger import number

_SLICE = 20_000  # processes, so that the documents of a slice fit in memory
_SAMPLE = 1_000


@dataclass(frozen=True)
class Limits:
    """Instants in UTC, without a zone: what is as old or older goes; None keeps all.

    `versions` is compared with the time of a version (`updated_at`), `texts` with the time when a
    rejected line was quarantined.
    """

    versions: datetime | None = None
    texts: datetime | None = None


@dataclass
class Aged:
    """How much was erased, or would be; `sample` are some of the values."""

    processes: int = 0
    versions: int = 0
    violations: int = 0
    records: int = 0
    texts: int = 0
    sample: list[str] = field(default_factory=list[str], repr=False)

    def __bool__(self) -> bool:
        return bool(self.versions or self.records or self.texts)


def count_aged(con: duckdb.DuckDBPyConnection, known: KnownKeys, limits: Limits) -> Aged:
    """What is older than allowed; nothing is changed."""
    aged = Aged(texts=number(con, _COUNT_TEXTS, {"limit": limits.texts}))
    if limits.versions is not None:
        given = {"limit": limits.versions}
        ((aged.processes, aged.versions),) = con.execute(_COUNT_VERSIONS, given).fetchall()
        changes = find_changes(con, known, _records(con, limits.versions), by_value=False)
        aged.records = changes.dimension_rows.height
    return aged


def erase_aged(
    con: duckdb.DuckDBPyConnection,
    known: KnownKeys,
    erased: Erased,
    limits: Limits,
    *,
    batch_seq: int,
) -> Aged:
    """Erase what is older than allowed in the raw tables; the caller has a transaction.

    A version keeps its ids, states, times and values that say nothing about a person. Records go
    when no younger version refers to them.
    """
    done = Aged()
    if limits.versions is not None:
        for subject in (*_processes(con, limits.versions), _records(con, limits.versions)):
            changes = find_changes(con, known, subject, by_value=False)
            write_changes(con, changes, erased, batch_seq=batch_seq)
            _add(done, subject, changes)
    if limits.texts is not None:
        done.texts = erase_texts(con, quarantined_until=limits.texts)
    return done


def remember_age(con: duckdb.DuckDBPyConnection, erasure_no: int, limits: Limits) -> None:
    """Versions of this age that arrive later lose their values too."""
    if limits.versions is not None:
        remember(con, erasure_no, "retention", [EVERY_PROCESS], until=limits.versions)


def _processes(con: duckdb.DuckDBPyConnection, until: datetime) -> Iterator[Subject]:
    """The processes with versions that are due, in slices."""
    ids = [id_ for (id_,) in con.execute(_PROCESSES, {"limit": until}).fetchall()]
    for start in range(0, len(ids), _SLICE):
        yield Subject("retention", processes=tuple(ids[start : start + _SLICE]), until=until)


def _records(con: duckdb.DuckDBPyConnection, until: datetime) -> Subject:
    """The records to which no younger version refers."""
    rows = con.execute(_RECORDS, {"limit": until}).fetchall()
    return Subject("retention", records=tuple(id_ for (id_,) in rows), until=until)


def _add(done: Aged, subject: Subject, changes: Changes) -> None:
    done.processes += len(subject.processes)
    done.versions += changes.versions.height
    done.violations += changes.violations.height
    done.records += changes.dimension_rows.height
    done.sample += changes.removed[: _SAMPLE - len(done.sample)]


_COUNT_TEXTS = """
    select count(*) from raw.quarantine
    where raw_text is not null and quarantined_at <= $limit::timestamp
"""

_COUNT_VERSIONS = """
    select count(distinct process_id), count(*) from raw.process_versions
    where not is_erased and updated_at <= $limit::timestamp
"""

_PROCESSES = """
    select distinct process_id::varchar as id from raw.process_versions
    where not is_erased and updated_at <= $limit::timestamp
    order by id
"""

_RECORDS = """
    select record_id::varchar as id
    from raw.process_versions
    where record_id is not null
    group by record_id
    having max(updated_at) <= $limit::timestamp
    order by id
"""
