"""Draws the histories: all processes take one step at a time, together."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pipelines.simulator.arrivals import UNASSIGNED, draw_arrivals
from pipelines.simulator.behaviour import STATUSES
from pipelines.simulator.changes import DRAWS, advance_clock, change_fields, did, note_effects
from pipelines.simulator.draws import Draws
from pipelines.simulator.situations import SLOTS, Situations, situation

_MAX_STEPS = 400
_VERSIONS_PER_PROCESS = 9

_COMPLETED = STATUSES.index("COMPLETED")

# The fields of a version, and the true running counts of visits, completions and deletions.
_FIELDS = (
    "process", "step", "t", "is_tie", "state", "status", "is_deleted", "assignee", "first_assignee",
    "first_assigned_at", "last_assigned_at", "next_action_at", "completed_at", "cancelled_at",
    "n_edits",
)  # fmt: skip
_COUNTS = (
    "visit_no", "opens_visit", "closed_visit_no", "first_completed_at", "last_completed_at",
    "n_completions", "n_cancellations", "n_reopens", "n_deletions", "n_restores",
)  # fmt: skip


@dataclass(frozen=True)
class Histories:
    """`processes`: one row per process. `steps`: one row per version, ordered by process, step."""

    processes: pl.DataFrame
    steps: pl.DataFrame


def draw_histories(
    situations: Situations, draws: Draws, *, versions: int, start: int, end: int
) -> Histories:
    """Histories with exactly `versions` versions, all of them at or before `end`."""
    n = versions // _VERSIONS_PER_PROCESS + 20
    while True:
        arrivals = draw_arrivals(situations, draws, n=n, start=start, end=end)
        steps = _walk(situations, draws, arrivals, end=end)
        if steps.height >= versions:
            break
        n = n * 3 // 2
    # Cut to the wanted number of versions; the last process may lose its latest ones.
    steps = steps.sort("process", "step").head(versions)
    processes = arrivals.head(steps.item(-1, "process") + 1)
    return Histories(processes.select("process", "procedure_no", "created_at"), steps)


def _walk(
    situations: Situations, draws: Draws, arrivals: pl.DataFrame, *, end: int
) -> pl.DataFrame:
    now = _first_versions(arrivals)
    steps = [now.select(*_FIELDS, *_COUNTS)]
    for step in range(2, _MAX_STEPS):
        now = _next_versions(situations, draws, now, step=step, end=end)
        if now.is_empty():
            break
        steps.append(now.select(*_FIELDS, *_COUNTS))
    return pl.concat(steps)


def _first_versions(arrivals: pl.DataFrame) -> pl.DataFrame:
    is_assigned = pl.col("assignee") != UNASSIGNED
    is_done = pl.col("status") == _COMPLETED
    no_instant = pl.lit(None, dtype=pl.Int64)
    return arrivals.select(
        "process",
        "procedure_no",
        "created_at",
        "pace",
        "forgets_assignment",
        "t",
        "state",
        "status",
        "assignee",
        "completed_at",
        step=pl.lit(1, dtype=pl.Int32),
        is_tie=pl.lit(value=False),
        is_deleted=pl.lit(value=False),
        last_assignee=pl.lit(UNASSIGNED, dtype=pl.Int32),
        first_assignee=pl.when(is_assigned & ~pl.col("forgets_assignment")).then("assignee"),
        first_assigned_at=pl.when(is_assigned & ~pl.col("forgets_assignment")).then("created_at"),
        last_assigned_at=pl.when(is_assigned).then("created_at"),
        next_action_at=no_instant,
        cancelled_at=no_instant,
        n_edits=pl.lit(0, dtype=pl.Int32),
        spell_began_at=pl.when(is_done).then("completed_at").otherwise("created_at"),
        visit_no=pl.lit(1, dtype=pl.Int32),
        opens_visit=pl.lit(value=True),
        closed_visit_no=pl.lit(None, dtype=pl.Int32),
        first_completed_at=pl.col("completed_at"),
        last_completed_at=pl.col("completed_at"),
        n_completions=is_done.cast(pl.Int32),
        n_cancellations=pl.lit(0, dtype=pl.Int32),
        n_reopens=pl.lit(0, dtype=pl.Int32),
        n_deletions=pl.lit(0, dtype=pl.Int32),
        n_restores=pl.lit(0, dtype=pl.Int32),
    )


def _next_versions(
    situations: Situations, draws: Draws, now: pl.DataFrame, *, step: int, end: int
) -> pl.DataFrame:
    """The next version of every process that has one by `end`."""
    n = now.height
    place = situation(pl.col("state"), pl.col("status"), is_deleted=pl.col("is_deleted"))
    slot = place * SLOTS + draws.below(f"action {step}", n, SLOTS)
    chosen = now.with_columns(
        situation=place,
        action=pl.lit(situations.slots).gather(slot),
        **{name: draws.uniform(f"{name} {step}", n) for name in DRAWS},
    ).with_columns(
        kind=pl.lit(situations.kind).gather(pl.col("action")),
        to_state=pl.lit(situations.to_state).gather(pl.col("action")),
        to_status=pl.lit(situations.to_status).gather(pl.col("action")),
        mean_gap=pl.lit(situations.gap).gather(pl.col("situation")),
        step=pl.lit(step, dtype=pl.Int32),
    )
    moved_on = advance_clock(chosen.filter(~did("rest"))).filter(pl.col("t") <= end)
    return note_effects(change_fields(moved_on))
