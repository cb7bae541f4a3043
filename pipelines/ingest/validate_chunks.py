"""Validates chunks of lines, several at a time, and passes the results on in order.

Each thread has its own in-memory DuckDB: validation does not touch the warehouse.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

import duckdb
import polars as pl

from pipelines.ingest.chunks import Chunk
from pipelines.ingest.clean_lines import find_clean
from pipelines.ingest.parse_activities import parse_activities
from pipelines.ingest.parse_dimensions import parse_rows
from pipelines.ingest.parse_versions import Parsed, line_text, parse_chunk
from pipelines.ingest.validated_chunk import (
    QUARANTINE,
    ValidatedChunk,
    clean_chunk,
    quarantine_frame,
)
from pipelines.ingest.waiting_lines import Rest, WaitingLines, rest_of
from pipelines.warehouse.engine import limits_of
from schemas.definitions.procedure import Procedures
from schemas.records.activities import ACTIVITIES
from schemas.records.dimensions import PROCESSES
from schemas.records.proof import prove_rules_once
from transforms.macros.load import MACROS
from transforms.validate.clean import CleanVersions
from transforms.validate.validation import (
    Validated,
    Validator,
    validate_activity,
    validate_dimension,
)

_T = TypeVar("_T")
_R = TypeVar("_R")
_THREADS = 2


@dataclass(frozen=True)
class _Tools:
    """What a thread parses and validates with."""

    con: duckdb.DuckDBPyConnection
    validator: Validator
    clean: list[CleanVersions]


class ChunkValidators:
    """A few threads that parse and validate chunks, each within the limits of `con`; use as a
    context.

    Before the first chunk the rules are proved: its result raises `RuleError` when they do not find
    what they are for.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        procedures: Procedures,
        latest_ms: int,
        *,
        threads: int = _THREADS,
    ) -> None:
        self._limits = limits_of(con)
        self._procedures = procedures
        self._latest_ms = latest_ms
        self._pool = ThreadPoolExecutor(max_workers=threads)
        self._threads = threads
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

    def validate(
        self, parts: Iterable[tuple[_T, Chunk | None]]
    ) -> Iterator[tuple[_T, ValidatedChunk | None]]:
        """Validate chunks side by side; results come in the order of the chunks.

        What comes with a chunk comes out with its result, also where there is no chunk.
        """
        return self._in_order(parts, self._validate)

    def take_in(
        self, parts: Iterable[tuple[_T, Chunk | None]]
    ) -> Iterator[tuple[_T, ValidatedChunk | None]]:
        """As `validate`, with the same results in fewer steps: only lines that are not clean are
        validated, those of several chunks together.

        A chunk may come out in two parts, which together have all its lines. They come before the
        next part without a chunk.
        """
        waiting = WaitingLines[_T]()
        for label, found in self._in_order(parts, self._take_clean):
            if found is None:
                done = waiting.end(label)
            else:
                clean, rest = found
                done = waiting.add(label, clean, rest)
            yield from done
            if waiting.is_full:
                yield from self._validate_waiting(waiting)
        yield from self._validate_waiting(waiting)

    def _validate_waiting(
        self, waiting: WaitingLines[_T]
    ) -> Iterator[tuple[_T, ValidatedChunk | None]]:
        chunk = waiting.chunk()
        validated = self._pool.submit(self._validate, chunk).result() if chunk else None
        yield from waiting.done(validated)

    def _in_order(
        self, parts: Iterable[tuple[_T, Chunk | None]], work: Callable[[Chunk], _R]
    ) -> Iterator[tuple[_T, _R | None]]:
        """The results of `work` in the order of the chunks.

        Memory holds a chunk per thread and one that waits, however many there are.
        """
        waiting: deque[tuple[_T, Future[_R] | None]] = deque()
        try:
            for label, chunk in parts:
                waiting.append((label, chunk and self._pool.submit(work, chunk)))
                while sum(future is not None for _, future in waiting) > self._threads:
                    yield _finished(waiting.popleft())
            while waiting:
                yield _finished(waiting.popleft())
        finally:
            for _, future in waiting:
                if future:
                    future.cancel()

    def _take_clean(self, chunk: Chunk) -> tuple[ValidatedChunk, Rest]:
        """The clean lines of a chunk, and the others."""
        if chunk.content != PROCESSES:
            return self._validate(chunk), Rest({}, {}, chunk.position)
        accepted = find_clean(self._tools.con, chunk, self._tools.clean)
        return clean_chunk(chunk, accepted), rest_of(chunk, accepted["line"])

    def _validate(self, chunk: Chunk) -> ValidatedChunk:
        con, validator = self._tools.con, self._tools.validator
        if chunk.content == PROCESSES:
            parsed = parse_chunk(con, chunk)
            validated = validator.validate(parsed.records)
        elif chunk.content in ACTIVITIES:
            parsed = parse_activities(con, chunk, chunk.content)
            validated = validate_activity(parsed.records, chunk.content, self._latest_ms)
        else:
            parsed = parse_rows(con, chunk)
            validated = validate_dimension(parsed.records)
        return ValidatedChunk(
            accepted=validated.accepted,
            violations=validated.violations,
            rejected=_rejected(chunk, parsed, validated),
            lines=chunk.lines,
            blank=parsed.blank,
            position=chunk.position,
            content=chunk.content,
        )

    @property
    def _tools(self) -> _Tools:
        """The tools of this thread."""
        if not hasattr(self._mine, "tools"):
            prove_rules_once()
            con = duckdb.connect(config={**self._limits, "threads": 1})
            con.execute(MACROS)
            self._mine.tools = _Tools(
                con,
                Validator(con, self._procedures, self._latest_ms),
                [CleanVersions.of(con, p, self._latest_ms) for p in self._procedures],
            )
        return self._mine.tools


def _finished(part: tuple[_T, Future[_R] | None]) -> tuple[_T, _R | None]:
    label, future = part
    return label, future and future.result()


def _rejected(chunk: Chunk, parsed: Parsed, validated: Validated) -> pl.DataFrame:
    lines = validated.rejected["line"].to_list()
    texts = line_text(chunk, lines)
    broken = validated.rejected.with_columns(
        raw_text=pl.Series("raw_text", [texts[line] for line in lines], dtype=pl.String)
    )
    # In order: of very many rejected lines only the first ones are kept.
    return pl.concat([quarantine_frame(parsed.bad), broken.select(*QUARANTINE)]).sort("line")
