"""How numbers, instants and tables look on a terminal.

What is shown, and where it comes from, does not belong here.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from rich.console import Console

from pipelines.grid import Grid

MISSING = "-"
LONGEST_CELL = 1000
_WIDEST_LINE = 10**9
_NUMBERS = (int, float, Decimal)
# Up to this many of a unit the next larger one says less.
_UNITS = ((90, 1, "s"), (90 * 60, 60, "min"), (36 * 3600, 3600, "h"))
_DAY = 86400
_LAST_YEAR = 9999  # without separators: it may be one
_TWO_DIGITS = 10


def console(*, stderr: bool = False) -> Console:
    """A console on what is stdout (or stderr) now; nothing wraps when that is not a terminal."""
    plain = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if plain.is_terminal:
        return plain
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=_WIDEST_LINE)


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
    """Seconds in the unit a person would use: `42 s`, `12 min`, `5.2 h`, `3.4 d`."""
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
    """Bytes as `1.2 MB`, from kB up."""
    value = float(n_bytes)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 1000 or unit == "GB":  # noqa: PLR2004 - the step between units
            break
    return f"{value:.1f} {unit}"


def some_of(names: Sequence[str], at_most: int = 4) -> str:
    """The first few of a list of names."""
    return ", ".join(names[:at_most]) + (", ..." if len(names) > at_most else "")


def instant(moment: datetime | None) -> str:
    """An instant to the second; its time zone is UTC throughout."""
    return MISSING if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")


def cell(name: str, value: object) -> str:
    """A value of a query's column: durations, shares and large numbers as people read them."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, _NUMBERS):
        return _number_cell(name, value)
    if isinstance(value, list):
        return ", ".join(cell(name, item) for item in value)
    return instant(value) if isinstance(value, datetime) else str(value)


def is_reformatted(name: str) -> bool:
    """Whether numbers of a column are shown in another unit than they are stored in."""
    return "seconds" in name or name.startswith("share_") or name.endswith("share")


def grid(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Iterable[int] = (),
    whole: Iterable[int] = (),
    bars: Iterable[int] = (),
    wrapped: int | None = None,
) -> Grid:
    """A table that is never cut, whatever the width of the terminal.

    `right` are the places of the columns that hold numbers, `whole` of others that never run over
    lines, `bars` of those that are left out when there is no room; the column at `wrapped`, a
    sentence, goes below its row then.
    """
    return Grid(columns, tuple(rows), frozenset(right), frozenset(whole), frozenset(bars), wrapped)


def shortened(text: str, width: int = LONGEST_CELL) -> str:
    """One line of at most `width` characters."""
    line = " ".join(text.split()) if "\n" in text else text
    return line if len(line) <= width else line[: width - 1] + "…"


def _number_cell(name: str, value: float | Decimal) -> str:
    if "seconds" in name:
        return duration(value)
    if is_reformatted(name):
        return share(value)
    if isinstance(value, int):
        return f"{value:,}" if abs(value) > _LAST_YEAR else str(value)
    text = f"{value:,.3f}" if isinstance(value, float) else f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _TWO_DIGITS or value == int(value) else f"{value:.1f}"
