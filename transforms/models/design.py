"""Attribute values of processes as patterns of levels, counted by fold and fate.

Processes with the same values are one pattern, so that a fit takes as long for a million of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from transforms.models.extra import require

FOLDS = 5
_SEED = 0


@dataclass(frozen=True)
class Level:
    """One value of an attribute, or its rare values together (`n_pooled` of them, else 0)."""

    attribute_no: int
    attribute: str
    value: str | None
    n_pooled: int
    processes: int
    converted: int


@dataclass(frozen=True)
class Design:
    """`levels` in the order of the columns, `left_out` the attributes that have but one.

    `patterns` has a row per combination of levels that occurs and a column (0 or 1) per level;
    `counts[fold, pattern, fate]` are processes, fate 1 being those that converted.
    """

    levels: tuple[Level, ...]
    left_out: tuple[str, ...]
    patterns: Any
    counts: Any


def design_of(entries: pl.DataFrame, *, least: int) -> Design:
    """The design of rows sorted by process, each process having one row per attribute.

    `entries` has `process_id`, `attribute`, `value` and `is_finished`; values of fewer than `least`
    processes are pooled. Raises `OperationError` without the extra `models`.
    """
    numpy = require("numpy")
    levels: list[Level] = []
    left_out: list[str] = []
    codes: dict[str, pl.Series] = {}
    for attribute in entries["attribute"].unique().sort():
        rows = entries.filter(pl.col("attribute") == attribute)
        found, numbers = _levels(rows, attribute, len(codes), least)
        if len(found) == 1:
            left_out.append(attribute)
            continue
        codes[str(len(codes))] = numbers + len(levels)
        levels += found
    fates = entries.unique("process_id", maintain_order=True)["is_finished"].to_numpy()
    if not levels:
        return Design((), tuple(left_out), None, None)
    table = pl.DataFrame(codes).to_numpy()
    chosen, pattern_of = numpy.unique(table, axis=0, return_inverse=True)
    patterns = numpy.zeros((len(chosen), len(levels)))
    numpy.put_along_axis(patterns, chosen, 1.0, axis=1)
    counts = numpy.zeros((FOLDS, len(chosen), 2))
    numpy.add.at(counts, (_folds(fates), pattern_of.reshape(-1), fates.astype(int)), 1.0)
    return Design(tuple(levels), tuple(left_out), patterns, counts)


def _levels(
    rows: pl.DataFrame, attribute: str, attribute_no: int, least: int
) -> tuple[list[Level], pl.Series]:
    """The levels of one attribute, the frequent ones first, and the number of that of each row."""
    sizes = rows.group_by("value").agg(
        pl.len().alias("processes"), pl.col("is_finished").sum().alias("converted")
    )
    kept = sizes.filter(pl.col("processes") >= least).sort(
        "processes", "value", descending=[True, False], nulls_last=True
    )
    rare = sizes.filter(pl.col("processes") < least)
    levels = [
        Level(attribute_no, attribute, value, 0, processes, converted)
        for value, processes, converted in kept.iter_rows()
    ]
    if rare.height:
        pooled = (int(rare["processes"].sum()), int(rare["converted"].sum()))
        levels.append(Level(attribute_no, attribute, None, rare.height, *pooled))
    numbered = kept.select("value").with_row_index("number")
    placed = rows.select("value").join(
        numbered, on="value", how="left", nulls_equal=True, maintain_order="left"
    )
    return levels, placed["number"].fill_null(kept.height).cast(pl.Int64)


def _folds(fates: Any) -> Any:
    """The fold of each process: each has the same share of those that converted, to one process."""
    numpy, selection = require("numpy"), require("sklearn.model_selection")
    folds = numpy.empty(len(fates), dtype=int)
    splitter = selection.StratifiedKFold(FOLDS, shuffle=True, random_state=_SEED)
    for number, (_, held_out) in enumerate(splitter.split(fates, fates)):
        folds[held_out] = number
    return folds
