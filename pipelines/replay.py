"""The quarantine: what is in it, and putting it through again after definitions were mended.

How lines are judged is in `judging.py`, how the tables are written in `store.py`.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

import duckdb
import polars as pl

from pipelines.judging import Judged, Judges
from pipelines.landing import CHUNK_BYTES, Chunk
from pipelines.ledger import Counts
from pipelines.store import Store
from schemas.core_record import ONE_DAY_MS
from schemas.definitions import Procedures
from schemas.rule_book import NOT_UTF8, TOO_LONG

_EXAMPLES = 10
_BATCH_LINES = 10_000


@dataclass(frozen=True)
class QuarantinedRule:
    """A rule that keeps lines in quarantine, with the places of up to ten of them.

    `procedure` is the shortId where the lines name a known procedure, else None. A line that breaks
    several rules counts for each.
    """

    rule: str
    sentence: str
    procedure: str | None
    lines: int
    examples: list[str]


@dataclass
class ReplayReport:
    """What became of quarantined lines: `lines` were put through again."""

    lines: int = 0
    counts: Counts = field(default_factory=Counts)

    def __str__(self) -> str:
        remaining = self.lines - self.counts.accepted - self.counts.duplicates
        return (
            f"{self.lines:,} lines put through again: {self.counts.accepted:,} accepted, "
            f"{self.counts.duplicates:,} duplicates, {remaining:,} still in quarantine"
        )


def list_quarantine(con: duckdb.DuckDBPyConnection) -> list[QuarantinedRule]:
    """The rules that keep lines in quarantine, most lines first; no text of a line is in it."""
    rows = con.execute(_RULES_OF_QUARANTINE, {"examples": _EXAMPLES}).fetchall()
    return [QuarantinedRule(*row) for row in rows]


def replay(
    con: duckdb.DuckDBPyConnection, procedures: Procedures, *, started_at: datetime
) -> ReplayReport:
    """Put every quarantined line through again, with the definitions of now.

    A line that is accepted takes the place in the order it would have had from the start. Lines
    whose text was not kept whole, and files that could not be read, stay. Each step is one
    transaction, after which the lines of every file add up.
    """
    store = Store(con, started_at)
    report = ReplayReport()
    latest_ms = int(started_at.timestamp() * 1000) + ONE_DAY_MS
    waiting: deque[tuple[int, list[int]]] = deque()

    def chunks() -> Iterator[Chunk]:
        for file_seq, numbers, body in _batches(con):
            waiting.append((file_seq, numbers))
            yield Chunk(body, first_line=1, lines=len(numbers), position=0, too_long={})

    with Judges(procedures, latest_ms) as judges:
        # Everything is read before anything is written: judging runs ahead of the writing.
        for judged in judges.judge(list(chunks())):
            file_seq, numbers = waiting.popleft()
            report.lines += judged.lines
            report.counts += store.replay(file_seq, _renumbered(judged, numbers))
    return report


def _batches(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, list[int], bytes]]:
    """Quarantined lines by file, as (file, line numbers, their bytes)."""
    unfit = [TOO_LONG.id, NOT_UTF8.id]
    places = con.execute(_REPLAYABLE, {"unfit": unfit}).fetchall()
    files: dict[int, list[int]] = {}
    for file_seq, line in places:
        files.setdefault(file_seq, []).append(line)
    for file_seq, lines in files.items():
        for start in range(0, len(lines), _BATCH_LINES):
            part = lines[start : start + _BATCH_LINES]
            rows = con.execute(_TEXTS, {"file": file_seq, "lines": part}).fetchall()
            yield from _limited(file_seq, rows)


def _limited(
    file_seq: int, rows: list[tuple[int, str]]
) -> Iterator[tuple[int, list[int], bytes]]:
    numbers: list[int] = []
    texts: list[bytes] = []
    size = 0
    for line, text in rows:
        numbers.append(line)
        texts.append(text.encode() + b"\n")
        size += len(texts[-1])
        if size >= CHUNK_BYTES:
            yield file_seq, numbers, b"".join(texts)
            numbers, texts, size = [], [], 0
    if numbers:
        yield file_seq, numbers, b"".join(texts)


def _renumbered(judged: Judged, numbers: list[int]) -> Judged:
    """With the line numbers of the file in place of those of the chunk."""
    known = pl.DataFrame(
        {"line": range(1, len(numbers) + 1), "of_file": numbers},
        schema={"line": pl.Int64, "of_file": pl.Int64},
    )

    def place(frame: pl.DataFrame) -> pl.DataFrame:
        placed = frame.join(known, on="line", how="left", maintain_order="left")
        return placed.with_columns(line="of_file").drop("of_file")

    return replace(
        judged,
        accepted=place(judged.accepted),
        violations=place(judged.violations),
        rejected=place(judged.rejected),
    )


_RULES_OF_QUARANTINE = """
    with broken as (
        select
            unnest(q.rules) as rule,
            p.procedure,
            f.file_name || coalesce(':' || q.line, '') as place,
            q.ingest_seq
        from raw.quarantine as q
        inner join raw.ingest_files as f using (file_seq)
        left join config.procedures as p on p.procedure_id = try_cast(q.procedure as uuid)
    ), sentences as (
        select rule, procedure, any_value(sentence) as sentence from config.rules group by all
    )
    select
        b.rule,
        coalesce(any_value(s.sentence), '') as sentence,
        b.procedure,
        count(*) as lines,
        list(b.place order by b.ingest_seq)[:$examples] as examples
    from broken as b
    left join sentences as s
        on s.rule = b.rule and (s.procedure is null or s.procedure = b.procedure)
    group by b.rule, b.procedure
    order by lines desc, b.rule, b.procedure
"""
_REPLAYABLE = """
    select file_seq, line from raw.quarantine
    where line is not null and not list_has_any(rules, $unfit)
    order by file_seq, line
"""
_TEXTS = """
    select line, raw_text from raw.quarantine
    where file_seq = $file and line in (select unnest($lines)) order by line
"""
