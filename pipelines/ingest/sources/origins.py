"""Where the lines that were made of rows come from."""

from dataclasses import dataclass, replace

import polars as pl

from pipelines.ingest.validated_chunk import ValidatedChunk


@dataclass(frozen=True)
class Origins:
    """For the lines of a chunk in order: the number of the row in the file, and its text.

    `first` is the number of the chunk's first line.
    """

    first: int
    lines: list[int]
    texts: list[str]

    def restore(self, validated: ValidatedChunk) -> ValidatedChunk:
        """The rejected lines under the numbers and texts of their rows; `place` is their own."""
        places = validated.rejected["line"].to_list()
        rejected = validated.rejected.with_columns(
            place=pl.Series("place", places, dtype=pl.Int64),
            line=pl.Series("line", [self.lines[p - self.first] for p in places], dtype=pl.Int64),
            raw_text=pl.Series(
                "raw_text", [self.texts[p - self.first] for p in places], dtype=pl.String
            ),
        )
        return replace(validated, rejected=rejected)
