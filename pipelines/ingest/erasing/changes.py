"""What an erasure changes in the raw tables; nothing is written here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import polars as pl

from pipelines.ingest.erasing.activities import OWN_ROWS, strip_activity
from pipelines.ingest.erasing.documents import (
    NO_KEYS,
    KnownKeys,
    Stripped,
    may_be_personal,
    strip_dimension_line,
    strip_document,
    strip_line,
)
from pipelines.ingest.erasing.subject import Subject
from pipelines.warehouse.search import Needles, holds
from schemas.records.activities import ACTIVITIES, NO_PROCESS
from schemas.records.dimensions import PROCESSES
from schemas.records.limits import MASK
from schemas.records.record import UUID_IN_TEXT, UUID_PATTERN

_VERSIONS = {"ingest_seq": pl.Int64, "data": pl.String, "derived_data": pl.String}
_ROWS = {"ingest_seq": pl.Int64, "data": pl.String}
_TEXTS = {"ingest_seq": pl.Int64, "raw_text": pl.String}
_VIOLATIONS = {"ingest_seq": pl.Int64, "rule": pl.String, "column_name": pl.String}

_OTHER_VERSIONS = """
    select content from (
        select unnest([v.data::varchar, v.derived_data::varchar]) as content
        from raw.process_versions as v
        anti join chosen as c on c.kind = 'process' and v.process_id = c.id::uuid
    ) where {holds}
"""

_OTHER_ROWS = f"""
    select content from (
        select r.data::varchar as content
        from raw.dimension_rows as r
        where r.ingest_seq not in ({OWN_ROWS})
    ) where {{holds}}
"""

_OTHER_TEXTS = """
    select content from (
        select q.raw_text as content
        from raw.quarantine as q
        anti join chosen as c on c.kind = 'process' and lower(q.process_id) = c.id
        where q.process_id is not null
    ) where {holds}
"""

_OTHERS = (_OTHER_VERSIONS, _OTHER_ROWS, _OTHER_TEXTS)
_REST = (
    """
    select content from (
        select unnest([data::varchar, derived_data::varchar]) as content from raw.process_versions
    ) where {holds}
    """,
    "select data::varchar as content from raw.dimension_rows where {holds}",
    "select raw_text as content from raw.quarantine where {holds}",
    "select value as content from raw.violations where {holds}",
    "select file_name as content from raw.ingest_files where {holds}",
)


@dataclass(frozen=True)
class Changes:
    """New content of rows in the raw tables.

    `versions` are all versions of the subject that were not erased before. A text that is null can
    only be erased as a whole. `removed` has the texts and numbers that are taken out, and
    `cells` their number by table and column.
    """

    versions: pl.DataFrame
    dimension_rows: pl.DataFrame
    texts: pl.DataFrame
    violations: pl.DataFrame
    removed: tuple[str, ...] = field(default=(), repr=False)
    cells: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def is_empty(self) -> bool:
        frames = (self.versions, self.dimension_rows, self.texts, self.violations)
        return all(frame.is_empty() for frame in frames)


def find_changes(
    con: duckdb.DuckDBPyConnection, known: KnownKeys, subject: Subject, *, by_value: bool = True
) -> Changes:
    """What erasing the subject would change; nothing is written.

    A rejected line belongs to the subject when it has its id, or, where it has no readable id,
    when it mentions the id or, `by_value`, holds a value that no other process has.
    """
    with _Chosen(con, subject):
        versions, cells, removed = _versions(con, known)
        rows, of_rows = _dimension_rows(con, known)
        removed += of_rows
        own = own_needles(con, [*removed, *subject.given] if by_value else [])
        texts, of_texts = _texts(con, known, own)
        violations, of_violations = _violations(con, versions, known)
        removed += of_violations
    cells |= {
        "dimension_rows.data": rows.height,
        "quarantine.raw_text": texts.height,
        "violations.value": violations.height,
    }
    return Changes(
        versions,
        rows,
        texts,
        violations,
        tuple(dict.fromkeys([*removed, *of_texts, *subject.given])),
        {place: n for place, n in cells.items() if n},
    )


def own_values(con: duckdb.DuckDBPyConnection, subject: Subject, removed: Iterable[str]) -> Needles:
    """The values that can be searched for everywhere: long enough, and nobody else's."""
    with _Chosen(con, subject):
        return own_needles(con, removed)


def erased_values(con: duckdb.DuckDBPyConnection, removed: Iterable[str]) -> Needles:
    """Those of the values that no raw table holds any more."""
    return own_needles(con, removed, others=_REST)


def own_needles(
    con: duckdb.DuckDBPyConnection, removed: Iterable[str], *, others: Sequence[str] = _OTHERS
) -> Needles:
    """Those of the values that no row of others holds; `chosen` has the subject's ids."""
    needles = Needles.of(removed)
    if not needles.texts:
        return needles
    shared: set[str] = set()
    for query in others:
        rows = con.execute(query.format(holds=holds("content", needles))).fetchall()
        shared.update(needle for (text,) in rows for needle in needles.found_in(text))
    return needles.without(shared)


class _Chosen:
    """The ids of the subject as the relation `chosen` (`kind, id, until`)."""

    def __init__(self, con: duckdb.DuckDBPyConnection, subject: Subject) -> None:
        ids = {
            "process": subject.processes,
            "records": subject.records,
            "users": subject.users,
        }
        rows = [(kind, id_, subject.until) for kind, found in ids.items() for id_ in found]
        if subject.kind == "retention":
            rows.append(("retention", NO_PROCESS, subject.until))
        schema = {"kind": pl.String, "id": pl.String, "until": pl.Datetime("us")}
        self._con = con
        self._frame = pl.DataFrame(rows, schema=schema, orient="row")

    def __enter__(self) -> None:
        self._con.register("chosen", self._frame)

    def __exit__(self, *_: object) -> None:
        self._con.unregister("chosen")


def _versions(
    con: duckdb.DuckDBPyConnection, known: KnownKeys
) -> tuple[pl.DataFrame, dict[str, int], list[str]]:
    removed: list[str] = []
    cells: dict[str, int] = {}
    rows: list[tuple[int, str, str]] = []
    for seq, procedure, data, derived in con.execute(_FIND_VERSIONS).fetchall():
        entered = strip_document(data, known.of_document(procedure, "data"))
        computed = strip_document(derived, known.of_document(procedure, "derived_data"))
        for column, document in (("data", entered), ("derived_data", computed)):
            place = f"process_versions.{column}"
            cells[place] = cells.get(place, 0) + bool(document.removed)
        removed += entered.removed + computed.removed
        rows.append((seq, entered.text, computed.text))
    return pl.DataFrame(rows, schema=_VERSIONS, orient="row"), cells, removed


def _dimension_rows(
    con: duckdb.DuckDBPyConnection, known: KnownKeys
) -> tuple[pl.DataFrame, list[str]]:
    removed: list[str] = []
    rows: list[tuple[int, str]] = []
    for seq, dimension, id_, name, data in con.execute(_FIND_ROWS).fetchall():
        if dimension in ACTIVITIES:
            stripped = strip_activity(data, dimension)
        else:
            keys = known.records if dimension == "records" else NO_KEYS
            stripped = strip_dimension_line(data, keys)
        stripped = stripped or Stripped(f'{{"id":"{id_}"}}', [data])
        if stripped.text != data or name is not None:
            removed += stripped.removed
            rows.append((seq, stripped.text))
    return pl.DataFrame(rows, schema=_ROWS, orient="row"), removed


def _texts(
    con: duckdb.DuckDBPyConnection, known: KnownKeys, own: Needles
) -> tuple[pl.DataFrame, list[str]]:
    removed: list[str] = []
    rows: list[tuple[int, str | None]] = []
    query = _FIND_TEXTS.format(holds=holds("q.raw_text", own))
    found = con.execute(query, {"uuids": UUID_IN_TEXT, "uuid": UUID_PATTERN}).fetchall()
    for seq, content, text in found:
        stripped = strip_line(text, known) if content == PROCESSES else None
        if stripped is None:
            rows.append((seq, None))
            removed.append(text)
        elif stripped.text != text:
            rows.append((seq, stripped.text))
            removed += stripped.removed
    return pl.DataFrame(rows, schema=_TEXTS, orient="row"), removed


def _violations(
    con: duckdb.DuckDBPyConnection, versions: pl.DataFrame, known: KnownKeys
) -> tuple[pl.DataFrame, list[str]]:
    """The rows whose value may be personal, and these values."""
    con.register("erasing", versions.select("ingest_seq"))
    rows = con.execute(_FIND_VIOLATIONS, {"mask": MASK}).fetchall()
    con.unregister("erasing")
    wrong = [
        (seq, rule, column, value)
        for seq, rule, column, procedure, value in rows
        if may_be_personal(value, column, procedure, known)
    ]
    frame = pl.DataFrame([row[:3] for row in wrong], schema=_VIOLATIONS, orient="row")
    return frame, [value for *_, value in wrong]


_FIND_VERSIONS = """
    select v.ingest_seq, v.procedure_id::varchar, v.data::varchar, v.derived_data::varchar
    from raw.process_versions as v
    inner join chosen as c on c.kind = 'process' and v.process_id = c.id::uuid
    where not v.is_erased and (c.until is null or v.updated_at <= c.until)
    order by v.ingest_seq
"""

_FIND_ROWS = f"""
    select r.ingest_seq, r.dimension, r.id::varchar, r.name, r.data::varchar
    from raw.dimension_rows as r
    where r.ingest_seq in ({OWN_ROWS})
    order by r.ingest_seq
"""

_FIND_TEXTS = """
    with texts as (
        select
            q.ingest_seq,
            f.content,
            q.raw_text,
            if(f.content in ('processes', 'tasks', 'calls'), 'process', f.content) as kind,
            lower(q.process_id) as process_id,
            coalesce(regexp_matches(q.process_id, $uuid), false) as has_id,
            {holds} as holds_value
        from raw.quarantine as q
        inner join raw.ingest_files as f using (file_seq)
        where q.raw_text is not null
    ), mentioned as (
        select ingest_seq, kind, unnest(regexp_extract_all(lower(raw_text), $uuids)) as id
        from texts where not has_id
    )
    select ingest_seq, content, raw_text from texts
    where (has_id and process_id in (
            select id from chosen where kind = 'process' and until is null
        ))
        or (not has_id and holds_value)
        or ingest_seq in (
            select ingest_seq from mentioned
            inner join chosen as c using (kind, id)
            where c.until is null
        )
    order by ingest_seq
"""

_FIND_VIOLATIONS = """
    select ingest_seq, rule, column_name, procedure_id::varchar, value
    from raw.violations semi join erasing using (ingest_seq)
    where value is not null and value <> $mask
"""
