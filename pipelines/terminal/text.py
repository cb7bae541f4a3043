"""How numbers, durations, instants and tables are written in a terminal."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from pipelines.terminal.grid import Grid
from pipelines.terminal.visible import visible

MISSING = "-"
MAX_CELL_LENGTH = 1000
_NO_WRAP = 10**9
_NUMBERS = (int, float, Decimal)
# Below this many seconds, in which unit (its seconds and name).
_UNITS = ((90, 1, "s"), (90 * 60, 60, "min"), (36 * 3600, 3600, "h"))
_DAY = 86400
# Columns of numbers that count nothing: `order_id`, `ticketNo`, `max(number)`.
_IDENTIFIER = re.compile(
    r"(^|[_(])((?i:id|no|nr|number|key|code|zip|postcode|phone|seq|line)|\w*[a-z](Id|ID|No|Number|Code))\)?$"
)
_MAX_YEAR = 9999  # integers up to here get no separators: they may be years
_TWO_DIGITS = 10


class _VisibleConsole(Console):
    """A console that shows what is in data and names of files, and never sends it as a command."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            # Segments with control codes are those of rich itself: they move the cursor.
            shown = segment.text if segment.control else visible(segment.text)
            yield segment if shown == segment.text else Segment(shown, segment.style)


def console(*, stderr: bool = False) -> Console:
    """A console on the current stdout or stderr; lines do not wrap unless it is a terminal.

    Characters that a terminal would act on are replaced, whatever text is printed.
    """
    plain = _VisibleConsole(stderr=stderr, highlight=False, markup=False, emoji=False)
    if plain.is_terminal:
        return plain
    return _VisibleConsole(
        stderr=stderr, highlight=False, markup=False, emoji=False, width=_NO_WRAP
    )


def count(number: float | Decimal | None) -> str:
    """12345 -> `12,345`."""
    return MISSING if number is None else f"{number:,}"


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 file`, `2 files`, `3 processes`."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith(("s", "x")):
        return f"{number:,} {noun}es"
    after_consonant = noun.endswith("y") and noun[-2] not in "aeou"
    return f"{number:,} {noun[:-1]}ies" if after_consonant else f"{number:,} {noun}s"


def duration(seconds: float | Decimal | None) -> str:
    """Seconds in a readable unit: `42 s`, `12 min`, `5.2 h`, `3.4 d`."""
    if seconds is None:
        return MISSING
    value = float(seconds)
    for below, size, unit in _UNITS:
        if abs(value) < below:
            return f"{_short(value / size)} {unit}"
    return f"{_short(value / _DAY)} d"


def share(part: float | Decimal | None) -> str:
    """0.123 -> `12.3 %`."""
    return MISSING if part is None else f"{float(part):.1%}".replace("%", " %")


def size(n_bytes: int) -> str:
    """Bytes in kB, MB or GB: `1.2 MB`."""
    value = float(n_bytes)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 1000 or unit == "GB":  # noqa: PLR2004 - the step between units
            break
    return f"{value:.1f} {unit}"


def some_of(names: Sequence[str], at_most: int = 4) -> str:
    """The first names of a list: `a, b, c, d, ...`."""
    return ", ".join(names[:at_most]) + (", ..." if len(names) > at_most else "")


def instant(moment: datetime | None) -> str:
    """An instant (UTC) to the second."""
    return MISSING if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")


def cell(name: str, value: object) -> str:
    """A value of a column; the column's name tells durations and shares from other numbers."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, _NUMBERS):
        return _number_cell(name, value)
    if isinstance(value, list):
        return ", ".join(cell(name, item) for item in value)
    return instant(value) if isinstance(value, datetime) else visible(str(value))


def is_reformatted(name: str) -> bool:
    """Whether `cell` shows numbers of this column as a duration or in per cent."""
    return "seconds" in name or name.startswith("share_") or name.endswith("share")


def is_identifier(name: str) -> bool:
    """Whether numbers of this column name something: they are written without separators."""
    return not name.startswith(("count", "n_")) and _IDENTIFIER.search(name) is not None


def grid(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Iterable[int] = (),
    whole: Iterable[int] = (),
    bars: Iterable[int] = (),
    wrapped: int | None = None,
) -> Grid:
    """A table that fits the terminal; options are positions of columns.

    `right` are numbers, `whole` other columns that never wrap, `bars` columns that are left out if
    there is no room, `wrapped` a sentence that then moves below its row.
    """
    # Before widths are measured: what is replaced takes no room.
    cells = tuple([visible(text) for text in row] for row in rows)
    names = [visible(name) for name in columns]
    return Grid(names, cells, frozenset(right), frozenset(whole), frozenset(bars), wrapped)


def shortened(text: str, width: int = MAX_CELL_LENGTH) -> str:
    """The text on one line of at most `width` characters."""
    line = " ".join(text.split()) if "\n" in text else text
    return line if len(line) <= width else line[: width - 1] + "…"


def _number_cell(name: str, value: float | Decimal) -> str:
    if "seconds" in name:
        return duration(value)
    if is_reformatted(name):
        return share(value)
    mark = "" if is_identifier(name) else ","
    if isinstance(value, int):
        return f"{value:{mark}}" if abs(value) > _MAX_YEAR else str(value)
    text = f"{value:{mark}.3f}" if isinstance(value, float) else f"{value:{mark}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _TWO_DIGITS or value == int(value) else f"{value:.1f}"
