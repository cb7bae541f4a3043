"""Stored versions are judged again when the definition of their procedure judges otherwise.

What is right or wrong with a document is decided in `transforms/documents.py`; lines that were
rejected are put through again by `replay.py`.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress

import duckdb
import polars as pl

from pipelines.landing import CHUNK_BYTES
from pipelines.ledger import drop_duplicates_among, next_batch, number
from schemas.definitions import Procedure, Procedures
from transforms.documents import DocumentJudge

Progress = Callable[[str, int, int], None]
"""Told a procedure, how many of its versions have been judged again, and of how many."""

_SLICE_ROWS = 8_000  # DuckDB shares a frame out to its threads by these


def rejudge(
    con: duckdb.DuckDBPyConnection,
    procedures: Procedures,
    *,
    progress: Progress = lambda *_: None,
) -> dict[str, int]:
    """Judge stored versions by the definitions of now; how many, by procedure, where it was due.

    Afterwards the fingerprints of documents and the violations of attributes are those that a new
    warehouse would have, so that old and new versions compare. A version that was accepted stays
    accepted: where `strict` would reject it now, its bad value is only left out. Versions that have
    become exact duplicates (a key is known by now as another name of the same attribute) become
    duplicates in the ledger too. Those that were dropped as such stay dropped, even if they would
    differ now: what they said is not kept.

    One transaction per procedure, so that a crash leaves each judged by one definition. Versions
    with another `data` fingerprint get a new batch: the history of their processes is then redone.
    """
    stored = con.execute("select procedure_id::varchar, fingerprint from raw.judged_by").fetchall()
    judged_by = dict(stored)
    batch_seq = next_batch(con)
    rejudged: dict[str, int] = {}
    for procedure in procedures:
        judge = DocumentJudge.of(procedure.model_copy(update={"strict": False}))
        fingerprint = judge.fingerprint
        if judged_by.get(procedure.id) == fingerprint:
            continue
        con.execute("begin")
        try:
            versions = _judge(con, judge, batch_seq, progress)
            parameters = {"procedure": procedure.id, "fingerprint": fingerprint}
            con.execute("delete from raw.judged_by where procedure_id = $id", {"id": procedure.id})
            con.execute("insert into raw.judged_by values ($procedure, $fingerprint)", parameters)
            con.execute("commit")
        except BaseException:
            with suppress(duckdb.TransactionException):  # a full disk has undone it already
                con.execute("rollback")
            raise
        if versions:
            rejudged[procedure.short_id] = versions
    return rejudged


def _judge(
    con: duckdb.DuckDBPyConnection, judge: DocumentJudge, batch_seq: int, progress: Progress
) -> int:
    """Judge all versions of a procedure, and store what is other than before; their number."""
    procedure = judge.procedure
    chunks = list(_chunks(con, procedure))
    total = sum(versions for *_, versions in chunks)
    if not total:
        return 0
    con.execute(_FORGET, {"procedure": procedure.id})
    con.execute(_JUDGED)
    done = 0
    progress(procedure.short_id, done, total)
    for first, last, versions in chunks:
        place = {"procedure": procedure.id, "first": first, "last": last}
        hashes, violations = judge.judge(con, con.sql(_DOCUMENTS, params=place).pl())
        _insert(con, "judged", hashes, "by name from incoming", {})
        _insert(con, "raw.violations", violations, _VIOLATIONS, {"batch": batch_seq})
        done += versions
        progress(procedure.short_id, done, total)
    con.execute(_CHANGED)
    if number(con, "select count(*) from changed"):
        con.execute(_STORE, {"batch": batch_seq})
        drop_duplicates_among(con, "changed")
        con.execute(_TOUCH, {"batch": batch_seq})
    return total


def _chunks(con: duckdb.DuckDBPyConnection, procedure: Procedure) -> Iterator[tuple[int, int, int]]:
    """First and last `ingest_seq` and number of versions of parts that fit in memory."""
    parameters = {"procedure": procedure.id, "bytes": CHUNK_BYTES}
    yield from con.execute(_CHUNKS, parameters).fetchall()


def _insert(
    con: duckdb.DuckDBPyConnection,
    table: str,
    frame: pl.DataFrame,
    query: str,
    parameters: dict[str, object],
) -> None:
    if frame.is_empty():
        return
    slices = [frame[i : i + _SLICE_ROWS] for i in range(0, frame.height, _SLICE_ROWS)]
    con.register("incoming", pl.concat(slices, rechunk=False))
    try:
        con.execute(f"insert into {table} {query}", parameters)
    finally:
        con.unregister("incoming")


# A version weighs 1,000 bytes besides its documents, so that small ones are not too many.
_CHUNKS = """
    select min(ingest_seq), max(ingest_seq), count(*)
    from (
        select
            ingest_seq,
            sum(strlen(data::varchar) + strlen(derived_data::varchar) + 1000) over (
                order by ingest_seq rows unbounded preceding
            ) // $bytes as chunk_no
        from raw.process_versions
        where procedure_id = $procedure::uuid
    )
    group by chunk_no
    order by chunk_no
"""

_DOCUMENTS = """
    select ingest_seq as line, data::varchar as data, derived_data::varchar as derived_data
    from raw.process_versions
    where procedure_id = $procedure::uuid and ingest_seq between $first and $last
    order by ingest_seq
"""

# Rules of the record itself do not depend on the procedure: what was found by them stays.
_FORGET = """
    delete from raw.violations
    where
        procedure_id = $procedure::uuid
        and (starts_with(rule, 'attr:') or starts_with(rule, 'derived:'))
"""

_JUDGED = """
    create or replace temp table judged (line bigint, data_hash ubigint, derived_data_hash ubigint)
"""

_VIOLATIONS = """
    by name
    select
        i.line as ingest_seq,
        $batch as batch_seq,
        v.process_id,
        v.procedure_id,
        i.rule,
        i.severity,
        i.column_name,
        i.value,
        v.updated_at
    from incoming as i
    inner join raw.process_versions as v on v.ingest_seq = i.line
"""

_CHANGED = """
    create or replace temp table changed as
    select v.process_id, v.updated_at, j.*
    from raw.process_versions as v
    inner join judged as j on j.line = v.ingest_seq
    where j.data_hash <> v.data_hash or j.derived_data_hash <> v.derived_data_hash
"""

# `derivedData` decides nothing in the history: other fingerprints alone do not redo it.
_STORE = """
    update raw.process_versions as v
    set
        data_hash = c.data_hash,
        derived_data_hash = c.derived_data_hash,
        batch_seq = case when v.data_hash <> c.data_hash then $batch else v.batch_seq end
    from changed as c
    where c.line = v.ingest_seq
"""

_TOUCH = """
    update raw.process_versions
    set batch_seq = $batch
    where process_id in (select process_id from duplicates)
"""
