"""Chunks of lines -> what became of each line; several chunks at a time, handed on in order.

Each thread has a DuckDB of its own in memory: judging touches no warehouse. What is right or wrong
with a record is decided in `transforms/validation.py`.
"""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

import duckdb
import polars as pl

from pipelines.dimensions import parse_rows
from pipelines.landing import Chunk
from pipelines.parse import Parsed, line_text, parse_chunk
from schemas.definitions import Procedures
from schemas.dimensions import PROCESSES
from transforms.tables import MACROS
from transforms.validation import Validated, Validator, validate_dimension

_T = TypeVar("_T")
_THREADS = 2
_QUARANTINE = {
    "line": pl.Int64,
    "rules": pl.List(pl.String),
    "process_id": pl.String,
    "procedure": pl.String,
    "raw_text": pl.String,
}


@dataclass(frozen=True)
class Judged:
    """A chunk after judgement.

    `accepted` and `violations` are as in `Validated`. `rejected` has one row per line that is no
    record or broke a rule: `line, rules, process_id, procedure, raw_text`. Every line is in
    `accepted`, in `rejected`, or `blank`; `position` and `content` are those of the chunk.
    """

    accepted: pl.DataFrame
    violations: pl.DataFrame
    rejected: pl.DataFrame
    lines: int
    blank: int
    position: int
    content: str = PROCESSES


class Judges:
    """A few threads that parse and validate chunks; use as a context."""

    def __init__(self, procedures: Procedures, latest_ms: int) -> None:
        self._procedures = procedures
        self._latest_ms = latest_ms
        self._pool = ThreadPoolExecutor(max_workers=_THREADS)
        self._mine = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def judge(self, parts: Iterable[tuple[_T, Chunk | None]]) -> Iterator[tuple[_T, Judged | None]]:
        """Judge chunks side by side; results come in the order of the chunks.

        What comes with a chunk comes out with its result, also where there is no chunk. Memory
        holds a chunk per thread and one that waits, however many there are.
        """
        waiting: deque[tuple[_T, Future[Judged] | None]] = deque()
        try:
            for label, chunk in parts:
                waiting.append((label, chunk and self._pool.submit(self._judge, chunk)))
                while sum(future is not None for _, future in waiting) > _THREADS:
                    yield _finished(waiting.popleft())
            while waiting:
                yield _finished(waiting.popleft())
        finally:
            for _, future in waiting:
                if future:
                    future.cancel()

    def _judge(self, chunk: Chunk) -> Judged:
        con, validator = self._tools()
        if chunk.content == PROCESSES:
            parsed = parse_chunk(con, chunk)
            validated = validator.validate(parsed.records)
        else:
            parsed = parse_rows(con, chunk)
            validated = validate_dimension(parsed.records)
        return Judged(
            accepted=validated.accepted,
            violations=validated.violations,
            rejected=_rejected(chunk, parsed, validated),
            lines=chunk.lines,
            blank=parsed.blank,
            position=chunk.position,
            content=chunk.content,
        )

    def _tools(self) -> tuple[duckdb.DuckDBPyConnection, Validator]:
        if not hasattr(self._mine, "tools"):
            con = duckdb.connect(config={"threads": 1})
            con.execute(MACROS)
            self._mine.tools = con, Validator(con, self._procedures, self._latest_ms)
        return self._mine.tools


def _finished(part: tuple[_T, Future[Judged] | None]) -> tuple[_T, Judged | None]:
    label, future = part
    return label, future and future.result()


def quarantine_frame(lines: Iterable[tuple[int | None, str, str]]) -> pl.DataFrame:
    """Lines that are no records, given as (line, rule, text), as rows for the quarantine."""
    rows = [(line, [rule], None, None, text) for line, rule, text in lines]
    return pl.DataFrame(rows, schema=_QUARANTINE, orient="row")


def _rejected(chunk: Chunk, parsed: Parsed, validated: Validated) -> pl.DataFrame:
    lines = validated.rejected["line"].to_list()
    texts = line_text(chunk, lines)
    broken = validated.rejected.with_columns(
        raw_text=pl.Series("raw_text", [texts[line] for line in lines], dtype=pl.String)
    )
    return pl.concat([quarantine_frame(parsed.bad), broken.select(*_QUARANTINE)])
