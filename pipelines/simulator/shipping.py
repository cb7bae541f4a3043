"""Draws which line goes into which file: late arrivals, duplicates and damaged copies included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from pipelines.simulator.damage import FLAGGED, NULLED, REJECTED
from pipelines.simulator.draws import Draws

Files = int | Literal["monthly"]

ORIGINAL, REPEAT, REJECT = range(3)
STAINS = (*NULLED, *FLAGGED)

# Of all dirty lines: this share is rejected, this share has a value nulled, the rest are flagged.
_REJECTED_SHARE, _NULLED_SHARE = 0.4, 0.35
_SAME_FILE_SHARE = 0.5
_MAX_FILES_LATER = 3
# Every fourth file is ordered by process, not by time.
_BY_PROCESS_EVERY = 4
_INTERNAL_EVERY = 3


@dataclass(frozen=True)
class Shipment:
    """`names`: file names in ingest order. `lines`: one row per line.

    `lines` holds `row` (of the version in the steps), `file`, `copy` (ORIGINAL, REPEAT, REJECT),
    `is_late`, `style`, `stain` (number in STAINS or null), `reject_kind` (name or null).
    """

    names: tuple[str, ...]
    lines: pl.DataFrame

    def of_file(self, number: int, steps: pl.DataFrame) -> pl.DataFrame:
        """The lines of one file in their order, with the columns of their versions.

        Versions of one process in one millisecond keep their order, which only the file shows.
        """
        own = self.lines.filter(pl.col("file") == number)
        wide = pl.concat([own, steps.select(pl.all().gather(own["row"]))], how="horizontal")
        by_process = ("process", "step", "copy")
        is_by_process = number % _BY_PROCESS_EVERY == _BY_PROCESS_EVERY - 1
        return wide.sort(by_process if is_by_process else ("t", *by_process))


def draw_shipment(
    steps: pl.DataFrame,
    draws: Draws,
    *,
    files: Files,
    late_share: float,
    duplicate_share: float,
    dirty_share: float,
) -> Shipment:
    """A file for every version and every extra line. `steps` is ordered by process and step."""
    n = steps.height
    names, home = _homes(steps["t"], files)
    last = len(names) - 1
    u_dirty, which = draws.uniform("dirty", n), draws.uniform("dirt kind", n)
    rejected_below = dirty_share * _REJECTED_SHARE
    nulled_below = rejected_below + dirty_share * _NULLED_SHARE
    nulled_kind = (which * len(NULLED)).cast(pl.Int32)
    flagged_kind = (which * len(FLAGGED)).cast(pl.Int32) + len(NULLED)
    reject_kinds = pl.Series(list(REJECTED))
    versions = steps.select(
        row=pl.int_range(n, dtype=pl.Int32),
        is_tie="is_tie",
        home=home,
        u_late=draws.uniform("late", n),
        files_later=draws.below("files later", n, _MAX_FILES_LATER) + 1,
        u_dirty=u_dirty,
        reject_kind=reject_kinds.gather((which * len(REJECTED)).cast(pl.Int32)),
        stain=pl.when(u_dirty < rejected_below)
        .then(None)
        .when(u_dirty < nulled_below)
        .then(nulled_kind)
        .when(u_dirty < dirty_share)
        .then(flagged_kind),
    ).with_columns(
        # Two versions of one millisecond stay in one file, or their order would be lost; the second
        # is not damaged, as a nulled value could make it equal to the first.
        pl.when(~pl.col("is_tie")).then(pl.col("u_late", "files_later")).forward_fill(),
        stain=pl.when(~pl.col("is_tie")).then("stain"),
        style=pl.when(pl.col("home") % _INTERNAL_EVERY == 0)
        .then(pl.lit("internal"))
        .otherwise(pl.lit("external")),
    )
    is_late = (pl.col("u_late") < late_share) & (pl.col("home") < last)
    file = pl.min_horizontal(pl.col("home") + pl.col("files_later"), last)
    originals = versions.with_columns(
        is_late=is_late, file=pl.when(is_late).then(file).otherwise("home")
    )
    lines = pl.concat(
        [
            _lines(originals, ORIGINAL),
            _lines(_repeats(originals, draws, duplicate_share, last=last), REPEAT),
            _lines(originals.filter(pl.col("u_dirty") < rejected_below), REJECT),
        ]
    )
    return Shipment(names=names, lines=lines)


def _repeats(
    originals: pl.DataFrame, draws: Draws, duplicate_share: float, *, last: int
) -> pl.DataFrame:
    """Identical copies of lines, in the same file or a later one."""
    n = originals.height
    later = pl.min_horizontal(
        pl.col("file") + 1 + draws.below("repeat later", n, _MAX_FILES_LATER), last
    )
    is_same_file = draws.uniform("repeat place", n) < _SAME_FILE_SHARE
    return originals.with_columns(
        is_late=pl.lit(value=False), file=pl.when(is_same_file).then("file").otherwise(later)
    ).filter(draws.uniform("repeat", n) < duplicate_share)


def _lines(versions: pl.DataFrame, copy: int) -> pl.DataFrame:
    kind = pl.col("reject_kind") if copy == REJECT else pl.lit(None, dtype=pl.String)
    stain = pl.lit(None, dtype=pl.Int32) if copy == REJECT else pl.col("stain")
    return versions.select(
        "row",
        pl.col("file").cast(pl.Int32),
        "is_late" if copy == ORIGINAL else pl.lit(value=False).alias("is_late"),
        "style",
        copy=pl.lit(copy, dtype=pl.Int32),
        reject_kind=kind,
        stain=stain,
    )


def _homes(t: pl.Series, files: Files) -> tuple[tuple[str, ...], pl.Series]:
    """File names, and for each version the number of its file by its instant."""
    if files == "monthly":
        month = t.cast(pl.Datetime("ms")).dt.truncate("1mo")
        starts = month.unique().sort()
        names = tuple(f"{start}.ndjson" for start in starts.dt.to_string("%Y-%m"))
        # The first of the next months begins after the version.
        return names, starts.search_sorted(month).cast(pl.Int32)
    ranked = t.sort()
    cuts = ranked.gather([ranked.len() * number // files for number in range(1, files)])
    names = tuple(f"part-{number:04}.ndjson" for number in range(1, files + 1))
    # Cuts lie between instants, so equal instants stay together.
    return names, cuts.search_sorted(t, side="right").cast(pl.Int32)
