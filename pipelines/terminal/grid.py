"""Tables that fit the width of a terminal without cutting anything.

Unlike the tables of rich, they break headers at underscores and paths at slashes, leave out bars,
move a sentence below its row, and never wrap numbers.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions
from rich.text import Text

_GAP = 2
# To how many characters headers may be broken, in steps: not at all, ..., one word per line.
_HEADER_WIDTHS = (10_000, 16, 10, 1)
# Words up to this length are not broken, in steps; only paths, ids and tokens are longer than 24.
_WORD_WIDTHS = (10_000, 24)
_MIN_TEXT_WIDTH = 16
_WORD = re.compile(r"\S*\s+|\S+")
_PART = re.compile(r"[^\s_/-]*[\s_/-]+|[^\s_/-]+")
_NONE = frozenset[int]()


@dataclass(frozen=True)
class Grid:
    """A table without borders; options refer to columns by position.

    If it is too wide, headers are broken over lines first; then the columns at `bars` are left out;
    then the column at `wrapped` moves below its row; then texts wrap, except in the columns at
    `right` (right-aligned numbers) and `whole`. As a last resort each row is printed as a record.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[int] = _NONE
    whole: frozenset[int] = _NONE
    bars: frozenset[int] = _NONE
    wrapped: int | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        room = options.max_width
        for places, header, word in self._plans():
            if widths := self._widths(places, room, header=header, word=word):
                yield from self._lines(dict(zip(places, widths, strict=True)), room)
                return
        yield from records(self.columns, self.rows, room)

    def first(self, n: int) -> "Grid":
        """The table with the first `n` columns only."""
        return replace(self, columns=self.columns[:n], rows=[row[:n] for row in self.rows])

    def n_fitting(self, room: int) -> int:
        """How many of the columns, from the first, fit side by side."""
        for n in range(len(self.columns), 0, -1):
            if self._widths(range(n), room, header=_HEADER_WIDTHS[-1], word=_WORD_WIDTHS[-1]):
                return n
        return 0

    def _plans(self) -> Iterator[tuple[Sequence[int], int, int | None]]:
        """Columns to print, header width, word width: in order of preference."""
        all_places = range(len(self.columns))
        no_bars = [place for place in all_places if place not in self.bars]
        in_line = [place for place in no_bars if place != self.wrapped]
        for header in _HEADER_WIDTHS[:3]:
            yield all_places, header, None
        for places in (no_bars, in_line):
            for header in _HEADER_WIDTHS:
                yield places, header, None
        for word in _WORD_WIDTHS:
            for header in _HEADER_WIDTHS[2:]:
                yield in_line, header, word

    def _widths(
        self, places: Sequence[int], room: int, *, header: int, word: int | None
    ) -> list[int]:
        """The widths with which these columns fit; empty if they do not.

        Without `word` no text wraps.
        """
        natural = [self._column_width(place, self._cell_widths[place], header) for place in places]
        least = [
            width
            if word is None or place in self.whole or place in self.right
            else min(width, self._least_width(place, header, word))
            for place, width in zip(places, natural, strict=True)
        ]
        widths = list(natural)
        excess = sum(widths) + _GAP * (len(widths) - 1) - room
        if excess > sum(widths) - sum(least):
            return []
        for _ in range(excess):
            # Narrow the column whose texts wrap over the fewest lines.
            spare = [at for at, width in enumerate(widths) if width > least[at]]
            widths[min(spare, key=lambda at: (natural[at] / widths[at], -widths[at]))] -= 1
        return widths

    @cached_property
    def _cell_widths(self) -> list[int]:
        return [
            max((_width(row[place].splitlines()) for row in self.rows), default=0)
            for place in range(len(self.columns))
        ]

    @cached_property
    def _longest_words(self) -> list[int]:
        return [
            max((_width(row[place].split()) for row in self.rows), default=0)
            for place in range(len(self.columns))
        ]

    def _least_width(self, place: int, header: int, word: int) -> int:
        """The minimum width of a column of text."""
        longest = min(self._longest_words[place], word)
        least = max(longest, min(_MIN_TEXT_WIDTH, self._cell_widths[place]))
        return self._column_width(place, least, header)

    def _column_width(self, place: int, cells: int, header: int) -> int:
        """The width of a column, given that of its cells and how far its header may be broken."""
        name = self.columns[place]
        word = _width([part.rstrip() for part in _PART.findall(name)])
        return max(cells, _width(broken(name, max(cells, header, word))))

    def _lines(self, widths: dict[int, int], room: int) -> Iterator[Text]:
        headers = [broken(self.columns[place], width) for place, width in widths.items()]
        # Short headers are aligned with the last line of longer ones.
        height = max(map(len, headers), default=0)
        headers = [[""] * (height - len(lines)) + lines for lines in headers]
        yield from (Text(line, style="bold") for line in self._side_by_side(widths, headers))
        yield Text("─" * (sum(widths.values()) + _GAP * (len(widths) - 1)))
        for row in self.rows:
            cells = [broken(row[place], width) for place, width in widths.items()]
            yield from map(Text, self._side_by_side(widths, cells))
            if self.wrapped is not None and self.wrapped not in widths:
                for line in broken(row[self.wrapped], room - _GAP):
                    yield Text(" " * _GAP + line, style="dim")

    def _side_by_side(self, widths: dict[int, int], cells: list[list[str]]) -> Iterator[str]:
        for at in range(max(map(len, cells), default=0)):
            parts: list[str] = []
            for (place, width), lines in zip(widths.items(), cells, strict=True):
                text = lines[at] if at < len(lines) else ""
                padding = " " * (width - cell_len(text))
                parts.append(padding + text if place in self.right else text + padding)
            yield (" " * _GAP).join(parts).rstrip()


def records(columns: Sequence[str], rows: Sequence[Sequence[str]], room: int) -> Iterator[Text]:
    """Each row as lines of column name and value, followed by an empty line."""
    width = _width(columns)
    for row in rows:
        for name, value in zip(columns, row, strict=True):
            padded = name + " " * (width - cell_len(name) + _GAP)
            lines = broken(value, max(room - width - _GAP, _MIN_TEXT_WIDTH))
            yield Text.assemble((padded, "bold"), lines[0])
            yield from (Text(" " * len(padded) + line) for line in lines[1:])
        yield Text("")


def broken(text: str, width: int) -> list[str]:
    """The text in lines of at most `width`.

    It breaks at spaces; words longer than a line at underscores, slashes and hyphens, or anywhere.
    """
    lines: list[str] = []
    for line in text.splitlines() or [""]:
        current = ""
        for part in _parts(line, width):
            if cell_len(current + part.rstrip()) > width:
                lines.append(current.rstrip())
                current = ""
            current += part
        lines.append(current.rstrip())
    return lines


def _parts(line: str, width: int) -> Iterator[str]:
    """The unbreakable pieces of a line, none longer than `width`."""
    for word in _WORD.findall(line):
        if cell_len(word.rstrip()) <= width:
            yield word
            continue
        for part in _PART.findall(word):
            yield from [part] if cell_len(part.rstrip()) <= width else chop_cells(part, width)


def _width(lines: Sequence[str]) -> int:
    return max(map(cell_len, lines), default=0)
