"""Seeded random columns. Every named stream has its own generator, so draws are independent."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from uuid import UUID

import polars as pl
import pyarrow as pa

_WORD_BYTES = 4
_WORDS = 2**32


class Draws:
    """Random columns of any height, the same for the same seed, stream name and height."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def generator(self, stream: str) -> Random:
        """A generator for single draws."""
        return Random(f"{self._seed}/{stream}")

    def words(self, stream: str, height: int) -> pl.Series:
        """Unsigned 32-bit numbers, uniform over their whole range."""
        raw = self.generator(stream).randbytes(height * _WORD_BYTES)
        buffers = [None, pa.py_buffer(raw)]
        array = pa.Array.from_buffers(pa.uint32(), height, buffers)
        return pl.Series(stream, array, dtype=pl.UInt32)

    def uniform(self, stream: str, height: int) -> pl.Series:
        """Numbers strictly between 0 and 1: both `log(u)` and `u < share` are safe."""
        return (self.words(stream, height).cast(pl.Float64) + 0.5) / _WORDS

    def below(self, stream: str, height: int, bound: int) -> pl.Series:
        """Whole numbers from 0 to `bound - 1`."""
        return (self.uniform(stream, height) * bound).cast(pl.Int32)

    def pick(
        self, stream: str, height: int, options: Sequence[str | None] | pl.Series
    ) -> pl.Series:
        """One of the options per row, all equally likely."""
        return pl.Series(stream, options).gather(self.below(stream, height, len(options)))

    def uuids(self, stream: str, height: int) -> pl.Series:
        """Random uuids as text."""
        generator = self.generator(stream)
        drawn = (UUID(int=generator.getrandbits(128), version=4) for _ in range(height))
        return pl.Series(stream, [str(uuid) for uuid in drawn], dtype=pl.String)
