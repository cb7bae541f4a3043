"""Finds the line and column of every key and list entry of a definition file."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.loading.problems import KeyPath

# The text is known to be JSON: a token is a string, one of the brackets and marks, or a plain word.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


class Place(NamedTuple):
    """A place in a text; lines and columns count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Places:
    """The places of a document's parts, by key path: of a member its key, of a list its entries."""

    by_path: Mapping[KeyPath, Place] = field(default_factory=dict[KeyPath, Place])

    def line_of(self, path: KeyPath) -> int | None:
        """The line of a part; of a part that was not written, that of the part which lacks it."""
        for length in range(len(path), -1, -1):
            if place := self.by_path.get(path[:length]):
                return place.line
        return None


@dataclass(frozen=True)
class Layout:
    """Where a JSON value stands, and its members or entries in their order.

    The place of a member is that of its key.
    """

    place: Place
    parts: tuple[Layout, ...] = ()


def json_layout(text: str) -> Layout:
    """The layout of a text that is known to be JSON."""
    starts = [0, *(match.end() for match in re.finditer(r"\n", text))]

    def tokens() -> Iterator[tuple[str, Place]]:
        for match in _TOKEN.finditer(text):
            line = bisect_right(starts, match.start())
            yield match[0], Place(line, match.start() - starts[line - 1] + 1)

    stream = tokens()
    return _layout(next(stream), stream, is_member=False)


def _layout(
    first: tuple[str, Place], rest: Iterator[tuple[str, Place]], *, is_member: bool
) -> Layout:
    token, place = first
    if is_member:
        next(rest)  # the colon
        token, _ = next(rest)
    return Layout(place, tuple(_parts(token, rest)) if token in ("{", "[") else ())


def _parts(bracket: str, rest: Iterator[tuple[str, Place]]) -> Iterator[Layout]:
    token = next(rest)
    while token[0] not in ("}", "]"):
        yield _layout(token, rest, is_member=bracket == "{")
        token = next(rest)
        if token[0] == ",":
            token = next(rest)
