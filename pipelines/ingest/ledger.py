"""The ledger: one row per file, whose counts of lines add up and agree with the raw tables.

Exact duplicates are found here, as they move lines from one count to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import duckdb

from schemas.errors import CorruptWarehouse
from schemas.records.limits import LINES_PER_FILE
from schemas.records.record import FIELDS

_RESTORE = "Restore a backup, or rebuild the warehouse from its landing files."

# Two versions of a process at one instant are the same when these agree; documents by what they
# hold, not by their text.
_CONTENT = [
    *(f.column for f in FIELDS if f.kind not in ("state", "object")),
    *("state_id", "data_hash", "derived_data_hash"),
]
_RETOLD = ("process_id", "updated_at", "state_id", "status", "is_deleted")


@dataclass
class Counts:
    """Lines by what became of them:
    `lines + added = accepted + duplicates + quarantined + blank + erased`.

    `added` are the lines that a source made of a row beyond its first one, and deletions inferred
    from what a full list lacks. `erased` are rejected lines whose text was erased: no definition
    can accept them any more.
    """

    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    blank: int = 0
    added: int = 0
    erased: int = 0

    def __iadd__(self, other: Counts) -> Self:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    def __sub__(self, other: Counts) -> Counts:
        mine, others = vars(self), vars(other)
        return Counts(**{name: mine[name] - others[name] for name in mine})

    @property
    def not_blank(self) -> int:
        """The lines that say something, added ones among them."""
        return self.lines + self.added - self.blank

    def check(self, file_name: str) -> None:
        """Raise `CorruptWarehouse` when the lines do not add up."""
        parts = self.accepted + self.duplicates + self.quarantined + self.blank + self.erased
        if self.lines + self.added != parts:
            lines = f"{self.lines} lines and {self.added} added ones"
            raise CorruptWarehouse(file_name, f"{lines}, but {parts} accounted for", _RESTORE)


def drop_duplicates(
    con: duckdb.DuckDBPyConnection, file_seq: int, batch_seq: int, *, is_retold: bool = False
) -> None:
    """Remove exact duplicates among the versions a file brought in a batch and all others.

    The earliest in order stays. When it was just replayed, its duplicates are of later files, and
    the ledger rows of those change too. Where every file `is_retold` the whole past of a process
    with the values of today, a version of the same instant, state and status is a duplicate: what
    was known first about that instant stays.
    """
    first = file_seq * LINES_PER_FILE
    parameters = {"batch": batch_seq, "first": first, "after": first + LINES_PER_FILE}
    _drop_duplicates(con, _OF_FILE, parameters, _RETOLD if is_retold else _CONTENT)


def drop_duplicates_among(con: duckdb.DuckDBPyConnection, versions: str) -> None:
    """Remove exact duplicates among all versions, where `versions` have another content now.

    `versions` is a relation with `process_id` and `updated_at`. The earliest in order stays; the
    ledger rows of the files change. The temporary table `duplicates` then says which they were.
    """
    _drop_duplicates(con, versions, {})


def _drop_duplicates(
    con: duckdb.DuckDBPyConnection,
    fresh: str,
    parameters: Mapping[str, object],
    content: Sequence[str] = _CONTENT,
) -> None:
    con.execute(_DUPLICATES.format(content=", ".join(content), fresh=fresh), parameters)
    _move_to_duplicates(con, ("process_versions", "violations"))


def drop_unchanged(con: duckdb.DuckDBPyConnection, file_seq: int) -> None:
    """Remove the versions of a file that say what the version before them says, at another time."""
    same = ", ".join(name for name in _CONTENT if name not in ("process_id", "updated_at"))
    first = file_seq * LINES_PER_FILE
    query = _UNCHANGED.format(content=same)
    con.execute(query, {"first": first, "after": first + LINES_PER_FILE})
    _move_to_duplicates(con, ("process_versions", "violations"))


def next_batch(con: duckdb.DuckDBPyConnection) -> int:
    """The number of the next change to the raw tables."""
    query = """
        select greatest(
            (select max(batch_seq) from raw.ingest_files),
            (select max(batch_seq) from raw.process_versions),
            (select max(batch_seq) from raw.dimension_rows)
        )
    """
    return 1 + number(con, query)


def drop_repeats(con: duckdb.DuckDBPyConnection, file_seq: int) -> None:
    """Remove the rows of a dimension file that say what the row before them of the same id says.

    A row equal to an older one stays if another came in between, which it undoes.
    """
    first = file_seq * LINES_PER_FILE
    con.execute(_REPEATS, {"first": first, "after": first + LINES_PER_FILE})
    _move_to_duplicates(con, ("dimension_rows",))


def drop_known_activities(con: duckdb.DuckDBPyConnection, file_seq: int) -> None:
    """Remove the versions of tasks and calls in a file that are stored already, as they are."""
    first = file_seq * LINES_PER_FILE
    con.execute(_KNOWN_ACTIVITIES, {"first": first, "after": first + LINES_PER_FILE})
    _move_to_duplicates(con, ("dimension_rows",))


def _move_to_duplicates(con: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> None:
    """Take the `duplicates` out of the tables, and count them as such in the ledger."""
    if not number(con, "select count(*) from duplicates"):
        return
    for table in tables:
        con.execute(
            f"delete from raw.{table} where ingest_seq in (select ingest_seq from duplicates)"
        )
    con.execute(_COUNT_DUPLICATES, {"per": LINES_PER_FILE})
    query = "select distinct ingest_seq // $per from duplicates"
    for (changed,) in con.execute(query, {"per": LINES_PER_FILE}).fetchall():
        checked_counts(con, changed)


def checked_counts(con: duckdb.DuckDBPyConnection, file_seq: int) -> Counts:
    """The ledger row of a file.

    Raises `CorruptWarehouse` when its lines do not add up, or the raw tables hold another number.
    """
    parameters = {"file": file_seq, "per": LINES_PER_FILE}
    name, *row = con.execute(_STORED_COUNTS, parameters).fetchall()[0]
    counts = Counts(*row[:7])
    counts.check(name)
    if row[7:] != [counts.accepted, counts.quarantined, counts.erased]:
        raise CorruptWarehouse(name, f"the ledger says {counts}, the tables {row[7:]}", _RESTORE)
    return counts


def totals(con: duckdb.DuckDBPyConnection) -> Counts:
    """The lines of all files in the ledger."""
    columns = ", ".join(f"coalesce(sum({name}), 0)" for name in Counts.__dataclass_fields__)
    row = con.execute(f"select {columns} from raw.ingest_files").fetchall()[0]
    return Counts(*map(int, row))


def number(
    con: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, object] | None = None
) -> int:
    """The one number a query gives; null counts as 0."""
    # Every result is fetched whole: one that is not blocks the connection.
    return int(con.execute(query, parameters or {}).fetchall()[0][0] or 0)


_OF_FILE = """
    raw.process_versions
    where batch_seq = $batch and ingest_seq >= $first and ingest_seq < $after
"""

# Few versions share process and instant with another: only those are compared in full.
_DUPLICATES = """
    create or replace temp table duplicates as
    with fresh as (
        select distinct process_id, updated_at from {fresh}
    ), doubled as (
        select process_id, updated_at from raw.process_versions
        semi join fresh using (process_id, updated_at)
        group by all having count(*) > 1
    ), numbered as (
        select process_id, ingest_seq, row_number() over (
            partition by {content} order by ingest_seq
        ) as copy_no
        from raw.process_versions semi join doubled using (process_id, updated_at)
    )
    select process_id, ingest_seq from numbered where copy_no > 1
"""

_REPEATS = """
    create or replace temp table duplicates as
    with fresh as (
        select distinct dimension, id from raw.dimension_rows
        where ingest_seq >= $first and ingest_seq < $after
    ), compared as (
        select
            ingest_seq,
            data::varchar = lag(data::varchar) over (
                partition by dimension, id order by ingest_seq
            ) as is_repeat
        from raw.dimension_rows semi join fresh using (dimension, id)
    )
    select ingest_seq from compared where is_repeat
"""

_KNOWN_ACTIVITIES = """
    create or replace temp table duplicates as
    with fresh as (
        select distinct dimension, id, updated_at from raw.dimension_rows
        where ingest_seq >= $first and ingest_seq < $after
    ), numbered as (
        select ingest_seq, row_number() over (
            partition by dimension, id, updated_at, data::varchar order by ingest_seq
        ) as copy_no
        from raw.dimension_rows semi join fresh using (dimension, id, updated_at)
    )
    select ingest_seq from numbered where copy_no > 1
"""

_UNCHANGED = """
    create or replace temp table duplicates as
    with fresh as (
        select distinct process_id from raw.process_versions
        where ingest_seq >= $first and ingest_seq < $after
    ), compared as (
        select
            process_id,
            ingest_seq,
            struct_pack({content}) = lag(struct_pack({content})) over (
                partition by process_id order by updated_at, ingest_seq
            ) as is_repeat
        from raw.process_versions semi join fresh using (process_id)
    )
    select process_id, ingest_seq from compared
    where is_repeat and ingest_seq >= $first and ingest_seq < $after
"""

_COUNT_DUPLICATES = """
    update raw.ingest_files as f
    set accepted = f.accepted - d.n, duplicates = f.duplicates + d.n
    from (
        select ingest_seq // $per as file_seq, count(*) as n from duplicates group by all
    ) as d
    where d.file_seq = f.file_seq
"""

_STORED_COUNTS = """
    select file_name, lines, accepted, duplicates, quarantined, blank, added, erased,
        (
            select count(*) from raw.process_versions
            where ingest_seq >= $file * $per and ingest_seq < ($file + 1) * $per
        ) + (
            select count(*) from raw.dimension_rows
            where ingest_seq >= $file * $per and ingest_seq < ($file + 1) * $per
        ),
        (
            select coalesce(sum(n_lines), 0)::bigint from raw.quarantine
            where file_seq = $file and raw_text is not null
        ),
        (
            select coalesce(sum(n_lines), 0)::bigint from raw.quarantine
            where file_seq = $file and raw_text is null
        )
    from raw.ingest_files where file_seq = $file
"""
