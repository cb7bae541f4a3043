"""Validates stored versions again when the rules of their procedure have changed."""

from collections.abc import Callable, Iterator

import duckdb
import polars as pl

from pipelines.ingest.chunks import CHUNK_BYTES
from pipelines.ingest.ledger import drop_duplicates_among, next_batch, number
from schemas.definitions.procedure import Procedure, Procedures
from schemas.records.attribute_values import DOCUMENTS
from schemas.records.between_fields import by_procedure
from transforms.transaction import transaction
from transforms.validate.documents import DocumentValidator
from transforms.validate.validation import validate_by_procedure

Progress = Callable[[str, int, int], None]
"""Called with a procedure, how many of its versions have been validated again, and their total."""

_SLICE_ROWS = 8_000  # DuckDB shares a frame out to its threads by these


def revalidate(
    con: duckdb.DuckDBPyConnection,
    procedures: Procedures,
    *,
    progress: Progress = lambda *_: None,
) -> dict[str, int]:
    """Validate stored versions by the definitions of now; how many, by procedure, where it was due.

    Versions whose personal values were erased stay as they were validated before.

    Afterwards the fingerprints of documents and the violations that depend on the procedure are
    those of a new warehouse, so that old and new versions compare. A version that was accepted
    stays accepted: where a rule would reject it now, it is flagged or its bad value left out.
    Versions that have become exact duplicates (a key is now known as another name of the same
    attribute) become duplicates in the ledger too. Those that were dropped as such stay dropped,
    even if they would differ now: their content is not kept.

    One transaction per procedure, so that a crash leaves each validated by one definition. Versions
    with another `data` fingerprint get a new batch: the history of their processes is then redone.
    """
    stored = con.execute("select procedure_id::varchar, fingerprint from raw.validated_by")
    validated_by = dict(stored.fetchall())
    batch_seq = next_batch(con)
    revalidated: dict[str, int] = {}
    for procedure in procedures:
        validator = DocumentValidator.of(procedure.model_copy(update={"strict": False}))
        fingerprint = validator.fingerprint
        if validated_by.get(procedure.id) == fingerprint:
            continue
        with transaction(con):
            versions = _validate(con, validator, batch_seq, progress)
            mark = {"procedure": procedure.id}
            con.execute("delete from raw.validated_by where procedure_id = $procedure", mark)
            mark["fingerprint"] = fingerprint
            con.execute("insert into raw.validated_by values ($procedure, $fingerprint)", mark)
        if versions:
            revalidated[procedure.short_id] = versions
    return revalidated


def _validate(
    con: duckdb.DuckDBPyConnection, validator: DocumentValidator, batch_seq: int, progress: Progress
) -> int:
    """Validate all versions of a procedure, and store what is other than before; their number."""
    procedure = validator.procedure
    chunks = list(_chunks(con, procedure))
    total = sum(versions for *_, versions in chunks)
    if not total:
        return 0
    con.execute(_FORGET, {"procedure": procedure.id})
    con.execute(_VALIDATED)
    done = 0
    progress(procedure.short_id, done, total)
    for first, last, versions in chunks:
        place = {"procedure": procedure.id, "first": first, "last": last}
        chunk = con.sql(_DOCUMENTS, params=place).pl()
        hashes, violations = validator.validate(con, chunk.select("line", *DOCUMENTS))
        violations = pl.concat([violations, validate_by_procedure(chunk, procedure)])
        _insert(con, "validated", hashes, "by name from incoming", {})
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
        where procedure_id = $procedure::uuid and not is_erased
    )
    group by chunk_no
    order by chunk_no
"""

_DOCUMENTS = """
    select
        ingest_seq as line,
        status,
        state_id::varchar as state_id,
        entity_id::varchar as entity_id,
        data::varchar as data,
        derived_data::varchar as derived_data
    from raw.process_versions
    where procedure_id = $procedure::uuid and ingest_seq between $first and $last
        and not is_erased
    order by ingest_seq
"""

# Most rules of the record do not depend on the procedure: what was found by them stays.
_BY_PROCEDURE = ", ".join(f"'{rule.id}'" for rule in by_procedure())
_FORGET = f"""
    delete from raw.violations
    where
        procedure_id = $procedure::uuid
        and (
            starts_with(rule, 'attr:')
            or starts_with(rule, 'derived:')
            or rule in ({_BY_PROCEDURE})
        )
        and ingest_seq not in (select ingest_seq from raw.process_versions where is_erased)
"""

_VALIDATED = """
    create or replace temp table validated (
        line bigint, data_hash ubigint, derived_data_hash ubigint
    )
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
    inner join validated as j on j.line = v.ingest_seq
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
