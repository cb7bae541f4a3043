"""Full lists: what has not changed since the list before, and what is missing from it."""

import duckdb

from pipelines.ingest.landing_file import UnreadableFile
from pipelines.ingest.ledger import drop_unchanged
from schemas.definitions.source import Source, taken_at
from schemas.records.limits import LINES_PER_FILE


def require_order(con: duckdb.DuckDBPyConnection, name: str, source: Source) -> str:
    """The local time at which a list was taken, by the name of its file.

    Raises `UnreadableFile` when there is none, or a list of that time or later was taken in before:
    of that one, rows are no longer known that were as in the list before it.
    """
    taken = taken_at(name)
    if taken is None:
        raise UnreadableFile("its name has no date (2026-03-31) at which the list was taken")
    query = "select file_name from raw.ingest_files where source = $source and status = 'ingested'"
    names = con.execute(query, {"source": source.name}).fetchall()
    latest = max((found for (known,) in names if (found := taken_at(known))), default="")
    if taken <= latest:
        raise UnreadableFile(
            f"it is the list of {taken}, but that of {latest} was taken in before: lists must come "
            "in order"
        )
    return taken


def compare_with_before(
    con: duckdb.DuckDBPyConnection, source: Source, file_seq: int, batch_seq: int
) -> str:
    """Delete the processes that the list in a file lacks, then drop its rows without a change.

    Returns a sentence where none was deleted, because a row of the file is in quarantine or too
    many are missing; else nothing. Grain of what is written: one version per deletion, which the
    ledger counts as added.
    """
    parameters = {"source": source.name, "file": file_seq, "per": LINES_PER_FILE}
    for statement in _MISSING:
        used = {name: value for name, value in parameters.items() if f"${name}" in statement}
        con.execute(statement, used)
    query = """
        select
            (select count(*) from missing),
            (select count(*) from live),
            (select count(*) from raw.quarantine where file_seq = $file)
    """
    ((missing, live, quarantined),) = con.execute(query, {"file": file_seq}).fetchall()
    problem = ""
    limit = source.snapshot.delete_at_most if source.snapshot else 0.0
    if missing and quarantined:
        problem = f"{quarantined:,} of its rows are in quarantine"
    elif missing > limit * live:
        problem = f"that is more than {limit:.0%}, the largest share by `deleteAtMost`"
    elif missing:
        con.execute(_DELETE, {"file": file_seq, "batch": batch_seq, "per": LINES_PER_FILE})
        con.execute(_COUNT, {"file": file_seq, "n": missing})
    drop_unchanged(con, file_seq)
    if not problem:
        return ""
    return (
        f"{missing:,} of {live:,} processes of the source {source.name} are missing from its list, "
        f"but none was deleted: {problem}"
    )


# The live processes of the source before this list, by their latest versions.
_MISSING = (
    """
    create or replace temp table present as
    select process_id, max(updated_at) as taken_at
    from raw.process_versions
    where ingest_seq >= $file * $per and ingest_seq < ($file + 1) * $per
    group by process_id
    """,
    """
    create or replace temp table live as
    with listed as (
        select distinct v.process_id
        from raw.process_versions as v
        inner join raw.ingest_files as f on f.file_seq = v.ingest_seq // $per
        where f.source = $source and f.file_seq <> $file
    )
    select v.*
    from raw.process_versions as v
    semi join listed using (process_id)
    where v.ingest_seq < $file * $per or v.ingest_seq >= ($file + 1) * $per
    qualify row_number() over (
        partition by v.process_id order by v.updated_at desc, v.ingest_seq desc
    ) = 1 and not v.is_deleted
    """,
    """
    create or replace temp table missing as
    from live anti join present using (process_id)
    """,
)

_COUNT = """
    update raw.ingest_files set accepted = accepted + $n, added = added + $n where file_seq = $file
"""

_DELETE = """
    insert into raw.process_versions by name
    with taken as (select max(taken_at) as taken_at from present),
    last_line as (
        select max(ingest_seq) as ingest_seq from raw.process_versions
        where ingest_seq >= $file * $per and ingest_seq < ($file + 1) * $per
    )
    select
        m.* replace (
            greatest(t.taken_at, m.updated_at) as updated_at,
            true as is_deleted,
            $batch as batch_seq,
            l.ingest_seq + row_number() over (order by m.process_id) as ingest_seq
        )
    from missing as m
    cross join taken as t
    cross join last_line as l
"""
