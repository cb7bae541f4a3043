"""Writes the changes of an erasure to the raw tables."""

from __future__ import annotations

from datetime import datetime

import duckdb
import polars as pl

from pipelines.ingest.erasing.changes import Changes
from pipelines.ingest.erasing.memory import Erased
from schemas.records.limits import LINES_PER_FILE


def write_changes(
    con: duckdb.DuckDBPyConnection, changes: Changes, erased: Erased, *, batch_seq: int
) -> None:
    """Write the changes; the caller has a transaction. The processes get a new batch.

    Fingerprints of documents are replaced by keyed ones: equal ones stay equal, and nobody can try
    values on them.
    """
    for frame, statement in (
        (changes.versions, _WRITE_VERSIONS),
        (changes.dimension_rows, _WRITE_ROWS),
        (changes.texts, _WRITE_TEXTS),
        (changes.violations, _WRITE_VIOLATIONS),
    ):
        if frame.is_empty():
            continue
        con.register("incoming", frame)
        given = {"key": erased.key, "batch": batch_seq}
        used = {name: value for name, value in given.items() if f"${name}" in statement}
        con.execute(statement, used)
        con.unregister("incoming")
    texts = changes.texts.filter(pl.col("raw_text").is_null())
    _count_erased(con, texts.select("ingest_seq"))


def erase_texts(con: duckdb.DuckDBPyConnection, *, quarantined_until: datetime) -> int:
    """Erase the texts of the lines that were rejected until an instant; their number."""
    found = con.sql(_FIND_OLD_TEXTS, params={"until": quarantined_until}).pl()
    con.register("incoming", found)
    con.execute(_WRITE_TEXTS)
    con.unregister("incoming")
    _count_erased(con, found.select("ingest_seq"))
    return found.height


def _count_erased(con: duckdb.DuckDBPyConnection, lines: pl.DataFrame) -> None:
    """Count lines whose text is gone as erased in the ledger."""
    files = lines.select(file_seq=pl.col("ingest_seq") // LINES_PER_FILE)
    con.register("incoming", files.unique())
    con.execute(_COUNT_ERASED)
    con.unregister("incoming")


KEYED = "keyed_fingerprint($key, {})"
"""SQL: the fingerprint of an erased document from its own, in `{}`."""

_WRITE_VERSIONS = """
    update raw.process_versions as v
    set
        data = i.data,
        derived_data = i.derived_data,
        data_hash = {data},
        derived_data_hash = {derived},
        batch_seq = $batch,
        is_erased = true
    from incoming as i where i.ingest_seq = v.ingest_seq
""".format(data=KEYED.format("v.data_hash"), derived=KEYED.format("v.derived_data_hash"))

_WRITE_ROWS = """
    update raw.dimension_rows as r set name = null, data = i.data, batch_seq = $batch
    from incoming as i where i.ingest_seq = r.ingest_seq
"""

_WRITE_TEXTS = """
    update raw.quarantine as q
    set
        raw_text = i.raw_text,
        process_id = try_cast(q.process_id as uuid)::varchar,
        procedure = try_cast(q.procedure as uuid)::varchar
    from incoming as i where i.ingest_seq = q.ingest_seq
"""

_FIND_OLD_TEXTS = """
    select ingest_seq, null::varchar as raw_text from raw.quarantine
    where raw_text is not null and quarantined_at <= $until::timestamp
    order by ingest_seq
"""

_WRITE_VIOLATIONS = """
    update raw.violations as v set value = null
    from incoming as i
    where i.ingest_seq = v.ingest_seq and i.rule = v.rule and i.column_name = v.column_name
"""

_COUNT_ERASED = """
    update raw.ingest_files as f
    set quarantined = q.with_text, erased = q.without_text
    from (
        select
            file_seq,
            coalesce(sum(n_lines) filter (raw_text is not null), 0)::bigint as with_text,
            coalesce(sum(n_lines) filter (raw_text is null), 0)::bigint as without_text
        from raw.quarantine semi join incoming using (file_seq)
        group by file_seq
    ) as q
    where q.file_seq = f.file_seq
"""
