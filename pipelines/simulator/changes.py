"""Applies one step to all processes: time, fields, and the true counts for tests."""

from __future__ import annotations

import polars as pl

from pipelines.simulator.arrivals import (
    CLOSING_HOUR,
    DAY_MS,
    HOUR_MS,
    OPENING_HOUR,
    SECOND_MS,
    UNASSIGNED,
    team_size,
    weekday,
)
from pipelines.simulator.behaviour import KINDS, STATUSES
from pipelines.simulator.situations import NO_CHANGE

# The random columns a step needs, each between 0 and 1.
DRAWS = ("gap", "tie", "hours", "opening", "edit", "take", "who", "plan", "day", "stamp", "back")

_MEAN_OF_GAP_SHAPE = 1.3293  # gamma(2.5): the mean of (-ln u) ** 1.5
_TIE_SHARE = 0.03
_KEEPS_OFFICE_HOURS_SHARE = 0.85
_ALSO_EDITS_SHARE = 0.3
_ALSO_TAKES_SHARE = 0.55
_PLANS_AHEAD_SHARE = 0.5
_FORGETS_TO_CLEAR_SHARE = 0.03
# How a closing version dates the closing, as cumulative shares.
_STAMP_NOW, _STAMP_EARLIER, _STAMP_MISSING, _STAMP_LATER = 0.88, 0.95, 0.985, 0.995

_OPEN, _COMPLETED, _CANCELLED = range(len(STATUSES))


def did(*kinds: str) -> pl.Expr:
    """Whether the step is one of these kinds."""
    return pl.col("kind").is_in([KINDS.index(kind) for kind in kinds])


def advance_clock(chosen: pl.DataFrame) -> pl.DataFrame:
    """Advance by heavy-tailed gaps, mostly in office hours; a tie keeps the same millisecond.

    Ties never follow each other: as every version differs from the previous one, versions of one
    instant always differ.
    """
    shape = (-pl.col("gap").log()) ** 1.5 / _MEAN_OF_GAP_SHAPE
    gap_ms = pl.max_horizontal(shape * pl.col("mean_gap") * pl.col("pace"), 1.0) * SECOND_MS
    is_tie = (pl.col("tie") < _TIE_SHARE) & ~pl.col("is_tie")
    later = chosen.with_columns(is_tie=is_tie, due=pl.col("t") + gap_ms.cast(pl.Int64))
    day, within = pl.col("due") // DAY_MS, pl.col("due") % DAY_MS
    next_day = day + (within >= CLOSING_HOUR * HOUR_MS)
    weekend_days = pl.max_horizontal(weekday(next_day) - 4, 0)
    open_day = next_day + pl.when(weekend_days > 0).then(3 - weekend_days).otherwise(0)
    is_closed = (open_day != day) | (within < OPENING_HOUR * HOUR_MS)
    opening = (
        open_day * DAY_MS
        + OPENING_HOUR * HOUR_MS
        + (pl.col("opening") * 3 * HOUR_MS).cast(pl.Int64)
    )
    return later.with_columns(
        t=pl.when("is_tie")
        .then("t")
        .when(is_closed & (pl.col("hours") < _KEEPS_OFFICE_HOURS_SHARE))
        .then(opening)
        .otherwise("due")
    )


def change_fields(chosen: pl.DataFrame) -> pl.DataFrame:
    """Set state, status, deletion flag, assignee, next action, edits; keep old as `old_...`."""
    team = team_size()
    is_unassigned = pl.col("assignee") == UNASSIGNED
    other = (
        pl.when(is_unassigned)
        .then((pl.col("who") * team).cast(pl.Int32))
        .otherwise((pl.col("assignee") + 1 + (pl.col("who") * (team - 1)).cast(pl.Int32)) % team)
    )
    takes = did("assign") | (did("move") & is_unassigned & (pl.col("take") < _ALSO_TAKES_SHARE))
    can_give_back = (pl.col("last_assignee") != UNASSIGNED) & (
        pl.col("last_assignee") != pl.col("assignee")
    )
    assignee = (
        pl.when(did("unassign"))
        .then(UNASSIGNED)
        .when(did("give_back") & can_give_back)
        .then("last_assignee")
        .when(takes | did("give_back"))
        .then(other)
        .otherwise("assignee")
    )
    # Unassigning an unassigned process, and a tie, must still change something in the version.
    edits = (
        did("edit")
        | (did("unassign") & is_unassigned)
        | pl.col("is_tie")
        | (pl.col("edit") < _ALSO_EDITS_SHARE)
    )
    status = pl.when(pl.col("to_status") == NO_CHANGE).then("status").otherwise("to_status")
    plans = did("schedule") | (did("move") & (pl.col("plan") < _PLANS_AHEAD_SHARE))
    planned = pl.col("t") + ((0.1 + 7 * pl.col("day")) * DAY_MS).cast(pl.Int64)
    return chosen.with_columns(
        old_state="state",
        old_status="status",
        was_deleted="is_deleted",
        state=pl.when(pl.col("to_state") == NO_CHANGE).then("state").otherwise("to_state"),
        status=status,
        is_deleted=(pl.col("is_deleted") | did("delete")) & ~did("restore"),
        assignee=assignee,
        last_assignee=pl.when((assignee != pl.col("assignee")) & ~is_unassigned)
        .then("assignee")
        .otherwise("last_assignee"),
        is_new_assignee=(assignee != pl.col("assignee")) & (assignee != UNASSIGNED),
        next_action_at=pl.when(status != _OPEN)
        .then(None)
        .when(plans)
        .then(planned)
        .otherwise("next_action_at"),
        n_edits=pl.col("n_edits") + edits,
    )


def note_effects(changed: pl.DataFrame) -> pl.DataFrame:
    """Set the times of assignment and closing, and count visits, spells and deletions."""
    completes = (pl.col("status") == _COMPLETED) & (pl.col("old_status") != _COMPLETED)
    cancels = (pl.col("status") == _CANCELLED) & (pl.col("old_status") != _CANCELLED)
    reopens = (pl.col("status") == _OPEN) & (pl.col("old_status") != _OPEN)
    deletes, restores = did("delete"), did("restore")
    moves = pl.col("state") != pl.col("old_state")
    keeps_stamp = pl.col("back") < _FORGETS_TO_CLEAR_SHARE
    is_first = pl.col("is_new_assignee") & pl.col("first_assigned_at").is_null()
    is_recorded = is_first & ~pl.col("forgets_assignment")
    stamp, closed_at = _closing_stamp(), _closing_instant()
    return changed.with_columns(
        first_assignee=pl.when(is_recorded).then("assignee").otherwise("first_assignee"),
        first_assigned_at=pl.when(is_recorded).then("t").otherwise("first_assigned_at"),
        last_assigned_at=pl.when("is_new_assignee").then("t").otherwise("last_assigned_at"),
        completed_at=pl.when(completes)
        .then(stamp)
        .when(reopens & ~keeps_stamp)
        .then(None)
        .otherwise("completed_at"),
        cancelled_at=pl.when(cancels)
        .then(stamp)
        .when(reopens)
        .then(None)
        .otherwise("cancelled_at"),
        spell_began_at=pl.when(completes | cancels)
        .then(closed_at)
        .when(reopens | restores)
        .then("t")
        .otherwise("spell_began_at"),
        opens_visit=(moves | restores) & ~pl.col("is_deleted"),
        closed_visit_no=pl.when((moves | deletes) & ~pl.col("was_deleted")).then("visit_no"),
        visit_no=pl.col("visit_no") + ((moves | restores) & ~pl.col("is_deleted")),
        first_completed_at=pl.coalesce("first_completed_at", pl.when(completes).then(closed_at)),
        last_completed_at=pl.when(completes).then(closed_at).otherwise("last_completed_at"),
        n_completions=pl.col("n_completions") + completes,
        n_cancellations=pl.col("n_cancellations") + cancels,
        n_reopens=pl.col("n_reopens") + reopens,
        n_deletions=pl.col("n_deletions") + deletes,
        n_restores=pl.col("n_restores") + restores,
    )


def _closing_stamp() -> pl.Expr:
    """The completedAt or cancelledAt of a closing version: mostly its own instant."""
    u = pl.col("stamp")
    return (
        pl.when(u < _STAMP_NOW)
        .then("t")
        .when(u < _STAMP_EARLIER)
        .then(_earlier())
        .when(u < _STAMP_MISSING)
        .then(None)
        .when(u < _STAMP_LATER)
        .then(pl.col("t") + 1 + (pl.col("day") * HOUR_MS).cast(pl.Int64))
        .otherwise(pl.col("created_at") - 1 - (pl.col("day") * DAY_MS).cast(pl.Int64))
    )


def _closing_instant() -> pl.Expr:
    """The instant from which the closing counts: implausible times are ignored."""
    is_earlier = (pl.col("stamp") >= _STAMP_NOW) & (pl.col("stamp") < _STAMP_EARLIER)
    return pl.when(is_earlier).then(_earlier()).otherwise("t")


def _earlier() -> pl.Expr:
    """An instant in the second half of the spell that ends."""
    back = (pl.col("t") - pl.col("spell_began_at")) * pl.col("day") * 0.5
    return pl.col("t") - back.cast(pl.Int64)
