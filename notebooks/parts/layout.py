"""How the notebooks look around their charts: widgets in a row, large figures, tables, callouts.

What is shown is read from published tables by the notebooks; nothing is counted here.
"""

from collections.abc import Callable, Sequence
from typing import Any

import marimo as mo
import polars as pl

from notebooks.parts.published import in_percent, in_words, published_file


def nothing_published() -> mo.Html:
    """What to do when there is no database yet."""
    return mo.callout(
        mo.md(
            f"**There is no published database yet** (`{published_file()}`). Make one with "
            "`leadtime run --landing DIR`, or see `leadtime demo`; then load this page again. "
            "`LEADTIME_DATA` or `--data` names another folder."
        ),
        kind="warn",
    )


def choice(options: Sequence[Any] | dict[str, Any], label: str) -> mo.ui.dropdown:
    """A drop-down in which one of the options is always chosen, the first one to begin with."""
    return mo.ui.dropdown(options, value=next(iter(options)), label=label, allow_select_none=False)


def in_a_row(*items: Any) -> mo.Html:
    """Items side by side; below each other where there is no room."""
    return mo.hstack(items, justify="start", align="start", wrap=True, gap=1.2)


def heading(text: str, *widgets: Any) -> mo.Html:
    """A heading in Markdown, and the widgets that what follows depends on; None is left out."""
    return mo.vstack([mo.md(text), in_a_row(*(w for w in widgets if w is not None))])


def figures(numbers: dict[str, str]) -> mo.Html:
    """A few large numbers, by what they are."""
    stats = [mo.stat(number, label, bordered=True) for label, number in numbers.items()]
    return mo.hstack(stats, widths="equal")


def note(text: str) -> mo.Html:
    """A sentence in place of a chart that there is nothing to draw for."""
    return mo.callout(text, kind="neutral")


def listing(frame: pl.DataFrame, *, page_size: int = 10) -> mo.ui.table:
    """A table to sort and search in, headed by its column names.

    Durations, shares and counts are written as people read them.
    """
    formats: dict[str, str | Callable[..., Any]] = {}
    for name, kind in frame.schema.items():
        heading = _heading(name)
        if "seconds" in name:
            formats[heading] = in_words
        elif name.startswith("share_"):
            formats[heading] = in_percent
        elif kind.is_integer():
            formats[heading] = "{:,d}"
    return mo.ui.table(
        frame.rename(_heading),
        format_mapping=formats,
        page_size=page_size,
        selection=None,
        show_column_summaries=False,
        show_data_types=False,
    )


def _heading(name: str) -> str:
    return name.removesuffix("_seconds").removeprefix("n_").replace("_", " ")
