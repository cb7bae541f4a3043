"""Lines that wait to be validated together, as each validation has a price of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import polars as pl

from pipelines.ingest.chunks import CHUNK_BYTES, MAX_CHUNK_LINES, Chunk
from pipelines.ingest.validated_chunk import ValidatedChunk, split_by_file
from schemas.records.limits import LINES_PER_FILE

_T = TypeVar("_T")


@dataclass(frozen=True)
class Rest:
    """Some lines of a chunk by their numbers, with what the chunk has beside them."""

    lines: dict[int, bytes]
    too_long: dict[int, bytes]
    position: int


def rest_of(chunk: Chunk, taken: pl.Series) -> Rest:
    """The lines of a chunk whose numbers are not among those `taken`."""
    if len(taken) == chunk.lines:
        return Rest({}, {}, chunk.position)
    numbers = pl.int_range(chunk.first_line, chunk.first_line + chunk.lines, eager=True)
    texts = chunk.texts
    rest = numbers.filter(~numbers.is_in(taken.implode()))
    lines = {number: texts[number - chunk.first_line] for number in rest}
    return Rest(lines, chunk.too_long, chunk.position)


@dataclass
class WaitingLines(Generic[_T]):
    """Lines of several chunks that wait, and results that must come after theirs.

    What is given with a label comes back with it.
    """

    _rests: list[tuple[_T, Rest]] = field(default_factory=list[tuple[_T, Rest]])
    # None stands for a rest whose turn it is; the label says no more than the order.
    _held: list[tuple[_T, ValidatedChunk | None] | int] = field(default_factory=list)
    _placed: int = 0
    _lines: int = 0
    _bytes: int = 0

    @property
    def is_full(self) -> bool:
        """Whether enough lines wait, or enough memory is held because of them."""
        return self._lines >= MAX_CHUNK_LINES or self._bytes >= CHUNK_BYTES

    def add(
        self, label: _T, done: ValidatedChunk, rest: Rest
    ) -> Iterator[tuple[_T, ValidatedChunk | None]]:
        """Let `rest` wait; `done` is returned, unless it has to wait as well."""
        if rest.lines:
            self._rests.append((label, rest))
            self._lines += len(rest.lines)
            self._bytes += sum(map(len, rest.lines.values()))
        if done.lines and self._held:
            self._held.append((label, done))
            self._bytes += int(done.accepted.estimated_size())
        elif done.lines:
            yield label, done

    def end(self, label: _T) -> Iterator[tuple[_T, ValidatedChunk | None]]:
        """Return the label of a part without a chunk, once nothing before it waits."""
        self._held += range(self._placed, len(self._rests))
        self._placed = len(self._rests)
        if self._held:
            self._held.append((label, None))
        else:
            yield label, None

    def chunk(self) -> Chunk | None:
        """The lines that wait, as one chunk."""
        if not self._rests:
            return None
        rests = [rest for _, rest in self._rests]
        lines = [line for rest in rests for line in rest.lines.values()]
        numbers = [(rest, number) for rest in rests for number in rest.lines]
        too_long = {
            place: rest.too_long[number]
            for place, (rest, number) in enumerate(numbers, start=1)
            if number in rest.too_long
        }
        return Chunk(b"\n".join([*lines, b""]), 1, len(lines), 0, too_long)

    def done(self, validated: ValidatedChunk | None) -> Iterator[tuple[_T, ValidatedChunk | None]]:
        """All that waited and was held, in order; `validated` is what became of `chunk()`."""
        places = pl.Series(
            [
                index * LINES_PER_FILE + number
                for index, (_, rest) in enumerate(self._rests)
                for number in rest.lines
            ],
            dtype=pl.Int64,
        )
        parts = dict(split_by_file(places, validated)) if validated else {}
        for held in [*self._held, *range(self._placed, len(self._rests))]:
            if isinstance(held, int):
                label, rest = self._rests[held]
                yield label, replace(parts[held], position=rest.position)
            else:
                yield held
        self.__init__()
