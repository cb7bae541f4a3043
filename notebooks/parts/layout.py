"""Widgets, headings, large figures, tables and callouts of the notebooks."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import marimo as mo
import polars as pl

from notebooks.parts.published import in_percent, in_words, published_file

_IDENTIFIERS = ("file_seq", "line")


def nothing_published() -> mo.Html:
    """A callout that says how to publish a database."""
    return mo.callout(
        mo.md(
            f"**There is no published database yet** (`{published_file()}`). Publish one with "
            "`leadtime run --landing DIR` or `leadtime demo`, then reload this page. "
            "`--data` or `LEADTIME_DATA` sets another folder."
        ),
        kind="warn",
    )


def choice(options: Sequence[Any] | dict[str, Any], label: str) -> mo.ui.dropdown:
    """A drop-down list in which an option is always selected, the first one by default."""
    return mo.ui.dropdown(options, value=next(iter(options)), label=label, allow_select_none=False)


def days(first: date, last: date, label: str, value: Any = None) -> mo.ui.date_range:
    """A range of days; without a `value`, all from the first to the last one are selected."""
    return mo.ui.date_range(first, last, value=value or (first, last), label=label)


def in_a_row(*items: Any) -> mo.Html:
    """Items side by side; they wrap if there is no room."""
    return mo.hstack(items, justify="start", align="start", wrap=True, gap=1.2)


def heading(text: str, *widgets: Any) -> mo.Html:
    """A heading in Markdown and the widgets for the part below it; None is left out."""
    return mo.vstack([mo.md(text), in_a_row(*(w for w in widgets if w is not None))])


def figures(numbers: dict[str, str]) -> mo.Html:
    """Large numbers by label, in as many rows as they need."""
    stats = [mo.stat(number, label, bordered=True) for label, number in numbers.items()]
    return mo.hstack(stats, justify="start", wrap=True)


def note(text: str) -> mo.Html:
    """A sentence shown in place of a chart without data."""
    return mo.callout(text, kind="neutral")


def listing(frame: pl.DataFrame, *, page_size: int = 10) -> mo.ui.table:
    """A sortable, searchable table; durations, shares and counts are formatted.

    Numbers that count nothing have no separators; a `link` is shown where any row has one.
    """
    if "link" in frame.columns and frame["link"].null_count() == frame.height:
        frame = frame.drop("link")
    formats: dict[str, str | Callable[..., Any]] = {}
    for name, kind in frame.schema.items():
        heading = _heading(name)
        if "seconds" in name:
            formats[heading] = in_words
        elif name.startswith("share_"):
            formats[heading] = in_percent
        elif kind.is_integer() and name not in _IDENTIFIERS:
            formats[heading] = "{:,d}"
    return mo.ui.table(
        frame.rename(_heading),
        format_mapping=formats,
        page_size=page_size,
        selection=None,
        show_column_summaries=False,
        show_data_types=False,
    )


def processes(frame: pl.DataFrame, title: str) -> mo.Html:
    """A list of processes, of which `n` is the number of all, below its title."""
    n = frame["n"][0] if len(frame) else 0
    shown = f"the latest {len(frame):,} of {n:,}" if n > len(frame) else f"{n:,}"
    return mo.vstack([mo.md(f"### {title} ({shown})"), listing(frame.drop("n"))])


def _heading(name: str) -> str:
    return name.removesuffix("_seconds").removeprefix("n_").replace("_", " ")
