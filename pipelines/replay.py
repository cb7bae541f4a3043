"""The quarantine: what is in it and why, and putting it through again with mended definitions.

The rules are in `schemas/`; how lines are judged is `judging.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

import duckdb
import polars as pl

from pipelines.judging import Judged, Judges
from pipelines.landing import CHUNK_BYTES, Chunk
from pipelines.ledger import Counts
from pipelines.rejudge import rejudge
from pipelines.store import Store
from pipelines.warehouse import LINES_PER_FILE
from schemas.core_record import ONE_DAY_MS
from schemas.definitions import Procedures
from schemas.dimensions import PROCESSES
from schemas.rule_book import FILE_RULES, NOT_UTF8, TOO_LONG, UNREADABLE, all_rules

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
    def may_be_mended(self) -> bool:
        """Whether another definition might accept the lines: not what is no record at all."""
        return self.rule not in {rule.id for rule in FILE_RULES}


@dataclass
class ReplayReport:
    """What became of the quarantined lines: `lines = accepted + duplicates + quarantined`.

    Lines whose text is not kept whole, and those of dimension files, are not among them.
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
    con: duckdb.DuckDBPyConnection, procedures: Procedures, *, started_at: datetime
) -> ReplayReport:
    """Judge quarantined lines by the definitions of now; what is accepted becomes a version.

    A version keeps the place in the order it would have had, under a new batch. Where the same
    version has come since, that one becomes the duplicate. One transaction per file; raises
    `AssertionError` when the lines of a file do not add up, and the file is then as it was.
    """
    # What comes back is compared with stored versions: one definition must have judged both.
    rejudge(con, procedures)
    store = Store(con, started_at)
    report = ReplayReport()
    latest_ms = int(started_at.timestamp() * 1000) + ONE_DAY_MS
    with Judges(procedures, latest_ms) as judges:
        for places, judged in judges.judge(_read(con)):
            assert judged is not None
            for file_seq, of_file in _by_file(places, judged):
                try:
                    report.counts += store.replay(file_seq, of_file)
                finally:
                    store.rollback()
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
        where q.line is not null and not list_has_any(q.rules, $not_whole)
            and f.content = $content
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


def _by_file(places: pl.Series, judged: Judged) -> Iterator[tuple[int, Judged]]:
    """What was judged together, file by file, under the line numbers of the files."""
    files = places // LINES_PER_FILE
    for file_seq in files.unique(maintain_order=True):
        parts = {
            name: frame.with_columns(line=places.gather(frame["line"] - 1))
            .filter(pl.col("line") // LINES_PER_FILE == file_seq)
            .with_columns(pl.col("line") % LINES_PER_FILE)
            for name, frame in (
                ("accepted", judged.accepted),
                ("violations", judged.violations),
                ("rejected", judged.rejected),
            )
        }
        yield file_seq, replace(judged, **parts, lines=int((files == file_seq).sum()))


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
            q.line
        from raw.quarantine as q
        inner join raw.ingest_files as f using (file_seq)
    )
    select
        rule,
        procedure,
        count(*) as lines,
        list([file_name, line::varchar] order by ingest_seq)[:$n] as places
    from places
    group by rule, procedure
    order by lines desc, rule, procedure
"""
