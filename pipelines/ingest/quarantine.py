"""The quarantine: its lines by rule, and their replay with changed definitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import polars as pl

from pipelines.ingest.chunks import CHUNK_BYTES, Chunk
from pipelines.ingest.erasing.arrivals import Arrivals
from pipelines.ingest.erasing.memory import NOTHING_ERASED, Erased
from pipelines.ingest.ledger import Counts
from pipelines.ingest.raw_writer import Store
from pipelines.ingest.revalidate import revalidate
from pipelines.ingest.validate_chunks import ChunkValidators
from pipelines.ingest.validated_chunk import split_by_file
from schemas.definitions.procedure import Procedures
from schemas.records.all_rules import FILE_RULES, NOT_UTF8, TOO_LONG, UNREADABLE, all_rules
from schemas.records.dimensions import PROCESSES
from schemas.records.limits import latest_ms

_SHOWN = 10
# The quarantine holds only the start of such a line, or another form of it.
_NOT_WHOLE = [UNREADABLE.id, TOO_LONG.id, NOT_UTF8.id]


@dataclass(frozen=True)
class QuarantinedRule:
    """One rule and how many quarantined lines of a procedure break it.

    `procedure` is a shortId, or the id where it is not defined; None where the lines name none.
    `examples` are at most ten places as `file:line`, the first ones in order.
    """

    rule: str
    sentence: str
    procedure: str | None
    lines: int
    examples: list[str]

    @property
    def may_be_replayed(self) -> bool:
        """Whether another definition might accept the lines; not lines that are not records."""
        return self.rule not in {rule.id for rule in FILE_RULES}


@dataclass
class ReplayReport:
    """What became of the quarantined lines: `lines = accepted + duplicates + quarantined`.

    Lines whose text is not kept whole, and those of dimension files, are not among them; rows of
    files with a source are read again by the run after a change of the definitions.
    """

    lines: int = 0
    counts: Counts = field(default_factory=Counts)

    def __str__(self) -> str:
        remaining = self.lines - self.counts.accepted - self.counts.duplicates
        return (
            f"{self.lines:,} lines put through again: {self.counts.accepted:,} accepted, "
            f"{self.counts.duplicates:,} duplicates, {remaining:,} still in quarantine"
        )


def list_quarantine(con: duckdb.DuckDBPyConnection) -> list[QuarantinedRule]:
    """The rules that quarantined lines break, the most frequent first; no values, no text."""
    names = former_names(con)
    sentences = {rule.id: rule.sentence for rule, _ in all_rules(Procedures((), {}))}
    sentences |= _defined(con, "select rule, sentence from config.rules")
    rows = con.execute(_QUARANTINED, {"n": _SHOWN}).fetchall()
    return [
        QuarantinedRule(
            rule=rule,
            sentence=sentences.get(rule, ""),
            procedure=names.get(procedure, procedure),
            lines=lines,
            examples=[name if line is None else f"{name}:{line}" for name, line in places],
        )
        for rule, procedure, lines, places in rows
    ]


def replay(
    con: duckdb.DuckDBPyConnection,
    procedures: Procedures,
    *,
    started_at: datetime,
    erased: Erased = NOTHING_ERASED,
) -> ReplayReport:
    """Validate quarantined lines by the definitions of now; what is accepted becomes a version.

    Lines whose text was erased stay; others about `erased` subjects lose their personal values.

    A version keeps the place in the order it would have had, under a new batch. Where the same
    version has come since, that one becomes the duplicate. One transaction per file; raises
    `CorruptWarehouse` when the lines of a file do not add up, and the file is then as it was.
    """
    # What comes back is compared with stored versions: one definition must have validated both.
    revalidate(con, procedures)
    store = Store(con, started_at, Arrivals(con, erased, procedures))
    report = ReplayReport()
    with ChunkValidators(con, procedures, latest_ms(started_at)) as validators:
        for places, validated in validators.validate(_read(con)):
            assert validated is not None
            for file_seq, of_file in split_by_file(places, validated):
                report.counts += store.replay(file_seq, of_file)
                report.lines += of_file.lines
    return report


def _read(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[pl.Series, Chunk]]:
    """Quarantined lines of processes as chunks, with the `ingest_seq` of each line.

    What is wrong with a line of a dimension file is wrong under any definition.
    """
    query = """
        select q.ingest_seq, strlen(q.raw_text)
        from raw.quarantine as q
        inner join raw.ingest_files as f using (file_seq)
        where q.line is not null and q.raw_text is not null
            and not list_has_any(q.rules, $not_whole)
            and f.content = $content and f.source is null
        order by q.ingest_seq
    """
    parameters = {"not_whole": _NOT_WHOLE, "content": PROCESSES}
    waiting: list[int] = []
    size = 0
    for ingest_seq, length in con.execute(query, parameters).fetchall():
        waiting.append(ingest_seq)
        size += length
        if size >= CHUNK_BYTES:
            yield _chunk(con, waiting)
            waiting, size = [], 0
    if waiting:
        yield _chunk(con, waiting)


def _chunk(con: duckdb.DuckDBPyConnection, places: list[int]) -> tuple[pl.Series, Chunk]:
    query = """
        select raw_text from raw.quarantine where list_contains($places, ingest_seq)
        order by ingest_seq
    """
    texts = con.execute(query, {"places": places}).fetchall()
    body = "".join(f"{text}\n" for (text,) in texts).encode()
    return pl.Series(places, dtype=pl.Int64), Chunk(body, 1, len(places), 0, {})


def former_names(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The shortIds of the procedures of the last build, by id; empty before the first."""
    return _defined(con, "select procedure_id::varchar, procedure from config.procedures")


def _defined(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    """Two columns of a `config` table; empty before the first build."""
    try:
        return dict(con.execute(query).fetchall())
    except duckdb.CatalogException:
        return {}


_QUARANTINED = """
    with places as (
        select
            unnest(q.rules) as rule,
            lower(try_cast(q.procedure as uuid)::varchar) as procedure,
            q.ingest_seq,
            f.file_name,
            q.line,
            q.n_lines
        from raw.quarantine as q
        inner join raw.ingest_files as f using (file_seq)
    )
    select
        rule,
        procedure,
        sum(n_lines)::bigint as lines,
        list([file_name, line::varchar] order by ingest_seq)[:$n] as places
    from places
    group by rule, procedure
    order by lines desc, rule, procedure
"""
