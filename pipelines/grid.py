"""How a table finds room on a terminal: what gives way first when it is too wide.

Nothing is ever cut. How a number or an instant is written does not belong here (see `show.py`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions
from rich.text import Text

_GAP = 2
# How narrow a header may make its column: first as it is, then over lines, then a word a line.
_HEADERS = (10_000, 16, 10, 1)
# Up to which length a text that must give way keeps words whole; only paths, ids and tokens are
# longer than the second.
_WORDS = (10_000, 24)
_NARROWEST_TEXT = 16
_WORD = re.compile(r"\S*\s+|\S+")
_PART = re.compile(r"[^\s_/-]*[\s_/-]+|[^\s_/-]+")
_NONE = frozenset[int]()


@dataclass(frozen=True)
class Grid:
    """A table without borders; its columns are known by their places.

    When there is no room, headers break over lines to be as narrow as their cells; then the
    columns at `bars` are left out; then the one at `wrapped` gets lines of its own below each row;
    then texts run over lines. Columns at `whole` and at `right` (numbers, which end at the right)
    never do. Where that is not enough each row is shown as a record.
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
        """The same with the first `n` columns only."""
        return replace(self, columns=self.columns[:n], rows=[row[:n] for row in self.rows])

    def n_fitting(self, room: int) -> int:
        """How many of the columns, from the first on, find room side by side."""
        for n in range(len(self.columns), 0, -1):
            if self._widths(range(n), room, header=_HEADERS[-1], word=_WORDS[-1]):
                return n
        return 0

    def _plans(self) -> Iterator[tuple[Sequence[int], int, int | None]]:
        """Columns in line, how narrow headers may be, how long words in texts: the best first."""
        all_of_them = range(len(self.columns))
        no_bars = [place for place in all_of_them if place not in self.bars]
        in_line = [place for place in no_bars if place != self.wrapped]
        for header in _HEADERS[:3]:
            yield all_of_them, header, None
        for places in (no_bars, in_line):
            for header in _HEADERS:
                yield places, header, None
        for word in _WORDS:
            for header in _HEADERS[2:]:
                yield in_line, header, word

    def _widths(
        self, places: Sequence[int], room: int, *, header: int, word: int | None
    ) -> list[int]:
        """The widths at which these columns fit; nothing when they do not.

        Without `word` no text runs over lines.
        """
        natural = [self._column_width(place, self._cell_widths[place], header) for place in places]
        least = [
            width
            if word is None or place in self.whole or place in self.right
            else min(width, self._least_width(place, header, word))
            for place, width in zip(places, natural, strict=True)
        ]
        widths = list(natural)
        too_much = sum(widths) + _GAP * (len(widths) - 1) - room
        if too_much > sum(widths) - sum(least):
            return []
        for _ in range(too_much):
            # The one whose texts run over the fewest lines gives way.
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
        """How narrow a column of text may get."""
        longest = min(self._longest_words[place], word)
        least = max(longest, min(_NARROWEST_TEXT, self._cell_widths[place]))
        return self._column_width(place, least, header)

    def _column_width(self, place: int, cells: int, header: int) -> int:
        """The width of a column whose cells have this one, and whose header may break."""
        name = self.columns[place]
        word = _width([part.rstrip() for part in _PART.findall(name)])
        return max(cells, _width(broken(name, max(cells, header, word))))

    def _lines(self, widths: dict[int, int], room: int) -> Iterator[Text]:
        headers = [broken(self.columns[place], width) for place, width in widths.items()]
        # Short headers stand next to their cells.
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
    """Each row as lines of a column and its value, with an empty line after it."""
    width = _width(columns)
    for row in rows:
        for name, value in zip(columns, row, strict=True):
            padded = name + " " * (width - cell_len(name) + _GAP)
            lines = broken(value, max(room - width - _GAP, _NARROWEST_TEXT))
            yield Text.assemble((padded, "bold"), lines[0])
            yield from (Text(" " * len(padded) + line) for line in lines[1:])
        yield Text("")


def broken(text: str, width: int) -> list[str]:
    """A text over lines of at most `width`.

    It breaks at spaces; a word longer than a line at underscores, slashes, hyphens; or anywhere.
    """
    lines: list[str] = []
    for line in text.splitlines() or [""]:
        now = ""
        for part in _parts(line, width):
            if cell_len(now + part.rstrip()) > width:
                lines.append(now.rstrip())
                now = ""
            now += part
        lines.append(now.rstrip())
    return lines


def _parts(line: str, width: int) -> Iterator[str]:
    """The pieces of a line between which it may break, none longer than `width`."""
    for word in _WORD.findall(line):
        if cell_len(word.rstrip()) <= width:
            yield word
            continue
        for part in _PART.findall(word):
            yield from [part] if cell_len(part.rstrip()) <= width else chop_cells(part, width)


def _width(lines: Sequence[str]) -> int:
    return max(map(cell_len, lines), default=0)
