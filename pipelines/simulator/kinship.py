"""Draws parents: onboarding tickets of converted leads, sub-tickets, and unknown parents."""

from __future__ import annotations

import polars as pl

from pipelines.simulator.behaviour import BEHAVIOURS
from pipelines.simulator.draws import Draws

LEAD, TICKET = range(len(BEHAVIOURS))

_SUB_TICKET_SHARE, _ONBOARDING_SHARE = 0.1, 0.2
# Parents that were never exported.
_ORPHAN_SHARE = 0.004
_SUB_TICKET_DISTANCE, _ONBOARDING_DISTANCE = 150, 40
_MAX_DEPTH_LOG2 = 20


def draw_parents(processes: pl.DataFrame, steps: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """One row per process: `parent` (row), `parent_procedure_no`, `is_orphan`, `family` (row).

    Only tickets have parents: a lead that converted before the ticket was created, or an older
    ticket. One ticket arrives before its lead, whose recorded history begins late. An orphan has a
    `parent_procedure_no` but no `parent`. `family` is the topmost ancestor.
    """
    n = processes.height
    rows = processes.select("process", "procedure_no", "created_at")
    conversions = (
        steps.filter(pl.col("first_completed_at").is_not_null())
        .group_by("process")
        .agg(pl.col("first_completed_at").min())
        .join(rows.filter(pl.col("procedure_no") == LEAD), on="process")
        .sort("first_completed_at", "process")
    )
    tickets = rows.filter(pl.col("procedure_no") == TICKET).sort("created_at", "process")
    u = draws.uniform("parent", n)
    is_ticket = rows["procedure_no"] == TICKET
    is_sub, is_orphan = u < _SUB_TICKET_SHARE, u >= 1 - _ORPHAN_SHARE
    is_onboarding = ~is_sub & (u < _SUB_TICKET_SHARE + _ONBOARDING_SHARE)
    ticket_before = _one_before(
        tickets["created_at"], rows["created_at"], draws.below("sub", n, _SUB_TICKET_DISTANCE)
    )
    lead_before = _one_before(
        conversions["first_completed_at"],
        rows["created_at"],
        draws.below("onboarding", n, _ONBOARDING_DISTANCE),
    )
    parents = rows.select(
        parent=pl.when(is_ticket & is_sub)
        .then(tickets["process"].gather(ticket_before))
        .when(is_ticket & is_onboarding)
        .then(conversions["process"].gather(lead_before)),
        is_orphan=is_ticket & is_orphan,
    )
    early = _early_child(rows, steps)
    if early is not None:
        child, lead = early
        is_child = pl.int_range(n) == child
        parents = parents.with_columns(
            parent=pl.when(is_child).then(pl.lit(lead, dtype=pl.Int32)).otherwise("parent"),
            is_orphan=pl.col("is_orphan") & ~is_child,
        )
    kinds = pl.lit(rows["procedure_no"]).gather(pl.col("parent"))
    return parents.with_columns(
        parent_procedure_no=pl.when("is_orphan").then(LEAD).otherwise(kinds),
        family=_topmost_ancestors(parents["parent"]),
    )


def _one_before(instants: pl.Series, created_at: pl.Series, distance: pl.Series) -> pl.Series:
    """Position of one of the instants strictly before each creation; null if there is none."""
    place = instants.search_sorted(created_at, side="left").cast(pl.Int32) - 1 - distance
    return place.set(place < 0, None)


def _early_child(rows: pl.DataFrame, steps: pl.DataFrame) -> tuple[int, int] | None:
    """A ticket first recorded between the creation of a lead and the lead's first version.

    The lead is the one whose recorded history begins latest after its creation, if possible in
    another month, so that parent and child are in different files.
    """
    known = rows.with_columns(first=steps.filter(pl.col("step") == 1)["t"])
    months = [pl.col(name).cast(pl.Datetime("ms")).dt.truncate("1mo") for name in known.columns[2:]]
    late = known.filter(
        pl.col("procedure_no") == LEAD, pl.col("first") > pl.col("created_at")
    ).sort(months[0] != months[1], pl.col("first") - pl.col("created_at"), "process")
    on_time = known.filter(
        pl.col("procedure_no") == TICKET, pl.col("first") == pl.col("created_at")
    ).sort("created_at", "process")
    for lead, _, created_at, first in reversed(late.rows()):
        between = on_time.filter(pl.col("first").is_between(created_at, first, closed="left"))
        if not between.is_empty():
            return between.item(0, "process"), lead
    return None


def _topmost_ancestors(parent: pl.Series) -> pl.Series:
    """Row of the ancestor without a parent; each round doubles the distance looked up."""
    own = pl.int_range(parent.len(), dtype=pl.Int32, eager=True)
    above = parent.cast(pl.Int32).zip_with(parent.is_not_null(), own)
    for _ in range(_MAX_DEPTH_LOG2):
        further = above.gather(above)
        if (further == above).all():
            break
        above = further
    return above
