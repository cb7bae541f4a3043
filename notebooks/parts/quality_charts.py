"""The charts of `data_quality.py`: each takes rows of published tables, and says what is not in it.

Where the rows come from is in `quality.py`; the forms are those of `charts.py`.
"""

from typing import Any

import polars as pl

from notebooks.parts import charts
from notebooks.parts.published import counted
from notebooks.parts.quality import PARTS

_MOST_RULES = 15
_MOST_FILES = 40
_BESIDE_LONG_NAMES = charts.WIDE - 80
_PART_COLOURS = [charts.PALE_BLUE, "#8a8f98", charts.RED, "#e3e5e8"]


def files_chart(files: pl.DataFrame) -> Any:
    """The lines of the latest files, by what became of them, and the share that was rejected."""
    shown = files.tail(_MOST_FILES)
    order = shown["file"].to_list()
    parts = shown.unpivot(PARTS, index=["file", "lines"], variable_name="part", value_name="n")
    lines = charts.bars(
        parts.with_columns(pl.col("part").replace_strict(PARTS, range(len(PARTS))).alias("place")),
        x="n",
        y="file",
        order=order,
        title="lines",
        colour=charts.coloured("part", PARTS, _PART_COLOURS),
        stacked=charts.stacking("place"),
        width=charts.HALF,
    )
    rejected = charts.bars(
        shown.select("file", "share_quarantined", "quarantined", "lines"),
        x="share_quarantined",
        y="file",
        order=order,
        title="rejected, of all lines of the file",
        labels=False,
        width=charts.HALF,
        up_to_one=False,
    )
    hidden = len(files) - len(shown)
    return charts.captioned(
        lines | rejected,
        "Files, in the order they were taken in",
        "lines = accepted + duplicates + quarantined + blank, for every file. "
        + (f"{counted(hidden, 'earlier file')} are in the table only. " if hidden else "")
        + "Lines that were put through again count as what became of them then.",
    )


def rules_chart(rules: pl.DataFrame, *, words: str) -> Any:
    """How often each rule was broken, by procedure."""
    every = rules["rule"].unique(maintain_order=True).to_list()
    order = every[:_MOST_RULES]
    procedures = sorted(rules["procedure"].unique())
    hidden = len(every) - len(order)
    return charts.captioned(
        charts.bars(
            rules.filter(pl.col("rule").is_in(order)),
            x="n_versions",
            y="rule",
            order=order,
            title="versions (or lines)",
            colour=charts.coloured("procedure", procedures),
        ),
        f"Rules broken: {words}",
        "A version that breaks several rules counts with each. "
        + (f"{counted(hidden, 'rule')} broken less often are in the table only." if hidden else ""),
        width=_BESIDE_LONG_NAMES,
    )


def drift_chart(drift: pl.DataFrame) -> Any:
    """How many values computed here differ from those that the platform supplied."""
    compared = drift.filter(pl.col("n_compared") > 0)
    alone = len(drift) - len(compared)
    return charts.captioned(
        charts.bars(
            compared.select("attribute", "share_different", "n_different", "n_compared"),
            x="share_different",
            y="attribute",
            order=compared["attribute"].to_list(),
            title="different, of those compared",
            up_to_one=False,
        ),
        "Computed attributes that differ from what the platform supplied",
        f"{counted(compared['n_compared'].sum(), 'value')} compared. {counted(alone, 'attribute')} "
        "for which the platform supplied nothing cannot be, and are in the table only.",
        width=_BESIDE_LONG_NAMES,
    )
