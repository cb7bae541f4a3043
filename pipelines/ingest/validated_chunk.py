"""What became of the lines of a chunk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import polars as pl

from pipelines.ingest.chunks import Chunk
from schemas.records.dimensions import PROCESSES
from schemas.records.limits import LINES_PER_FILE
from transforms.validate.validation import VERSION_VIOLATIONS

QUARANTINE = {
    "line": pl.Int64,
    "rules": pl.List(pl.String),
    "process_id": pl.String,
    "procedure": pl.String,
    "raw_text": pl.String,
}


@dataclass(frozen=True)
class ValidatedChunk:
    """What became of the lines of a chunk.

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


def quarantine_frame(lines: Iterable[tuple[int | None, str, str]]) -> pl.DataFrame:
    """Lines that are not records, given as (line, rule, text), as rows for the quarantine."""
    rows = [(line, [rule], None, None, text) for line, rule, text in lines]
    return pl.DataFrame(rows, schema=QUARANTINE, orient="row")


def clean_chunk(chunk: Chunk, accepted: pl.DataFrame) -> ValidatedChunk:
    """The lines of a chunk that were accepted without any violation, alone."""
    return ValidatedChunk(
        accepted=accepted,
        violations=pl.DataFrame(schema=VERSION_VIOLATIONS),
        rejected=pl.DataFrame(schema=QUARANTINE),
        lines=accepted.height,
        blank=0,
        position=chunk.position,
    )


def split_by_file(
    places: pl.Series, validated: ValidatedChunk
) -> Iterator[tuple[int, ValidatedChunk]]:
    """What was validated together, file by file, under the line numbers of the files.

    `places` has for each line of the chunk the number of its file times `LINES_PER_FILE`, plus that
    of the line in the file.
    """
    files = places // LINES_PER_FILE
    for file_seq in files.unique(maintain_order=True):
        parts = {
            name: frame.with_columns(line=places.gather(frame["line"] - 1))
            .filter(pl.col("line") // LINES_PER_FILE == file_seq)
            .with_columns(pl.col("line") % LINES_PER_FILE)
            .rechunk()
            for name, frame in (
                ("accepted", validated.accepted),
                ("violations", validated.violations),
                ("rejected", validated.rejected),
            )
        }
        lines = int((files == file_seq).sum())
        blank = lines - parts["accepted"].height - parts["rejected"].height
        yield file_seq, replace(validated, **parts, lines=lines, blank=blank)
