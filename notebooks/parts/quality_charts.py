"""The charts of the notebook `data_quality`, each with a caption that says what is left out."""

from typing import Any

import polars as pl

from notebooks.parts import charts
from notebooks.parts.published import counted
from notebooks.parts.quality import PARTS

_MAX_RULES = 15
_MAX_FILES = 40
_BESIDE_LONG_NAMES = charts.WIDE - 80
_PART_COLOURS = [charts.PALE_BLUE, "#8a8f98", charts.RED, "#e3e5e8"]


def files_charts(files: pl.DataFrame) -> list[Any]:
    """The lines of the latest files by result, and the share rejected."""
    shown = files.tail(_MAX_FILES)
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
    )
    rejected = charts.bars(
        shown.select("file", "share_quarantined", "quarantined", "lines"),
        x="share_quarantined",
        y="file",
        order=order,
        title="share of lines rejected",
        up_to_one=False,
    )
    hidden = len(files) - len(shown)
    return [
        charts.captioned(
            lines,
            "Files in ingest order",
            "lines = accepted + duplicates + quarantined + blank, for every file. Replayed lines "
            "count with their latest result."
            + (f" {counted(hidden, 'earlier file')} only in the table." if hidden else ""),
            width=charts.HALF,
        ),
        charts.captioned(
            rejected, "Rejected lines", "The share of each file in quarantine.", width=charts.HALF
        ),
    ]


def rules_chart(rules: pl.DataFrame, *, words: str) -> Any:
    """How often each rule was broken, by procedure."""
    every = rules["rule"].unique(maintain_order=True).to_list()
    order = every[:_MAX_RULES]
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
        "A version that breaks several rules counts for each."
        + (f" {counted(hidden, 'less frequent rule')} only in the table." if hidden else ""),
        width=_BESIDE_LONG_NAMES,
    )


def drift_chart(drift: pl.DataFrame) -> Any:
    """The share of computed values that differ from the supplied ones."""
    compared = drift.filter(pl.col("n_compared") > 0)
    alone = len(drift) - len(compared)
    return charts.captioned(
        charts.bars(
            compared.select("attribute", "share_different", "n_different", "n_compared"),
            x="share_different",
            y="attribute",
            order=compared["attribute"].to_list(),
            title="share of compared values that differ",
            up_to_one=False,
        ),
        "Computed attributes that differ from supplied values",
        f"{counted(compared['n_compared'].sum(), 'value')} compared. "
        f"{counted(alone, 'attribute')} without supplied values only in the table.",
        width=_BESIDE_LONG_NAMES,
    )
