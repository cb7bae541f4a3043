"""Simulations with the truth about them: visits, outcomes, derived values, line counts.

The truth was counted when the steps were drawn; nothing is computed from versions again.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.simulator.behaviour import BEHAVIOURS, STATUSES
from pipelines.simulator.kinship import LEAD
from pipelines.simulator.paths import Histories
from pipelines.simulator.simulation import SimulationSummary, draw_processes, simulate
from pipelines.simulator.situations import Situations
from pipelines.simulator.values import BASES, expected_value

_INSTANT = pl.Datetime("ms", "UTC")
_OUTCOMES = dict(zip(STATUSES, ("open", "completed", "cancelled"), strict=True))


def simulate_with_truth(
    landing: Path,
    truth: Path,
    *,
    versions: int,
    seed: int,
    end: datetime | int,
    **options: Any,
) -> SimulationSummary:
    """Simulate into `landing`, and write the truth to `truth`.

    The files are `visits.parquet`, `outcomes.parquet`, `derived.parquet` and `counts.json`.
    """
    summary = simulate(landing, versions=versions, seed=seed, end=end, **options)
    drawn = draw_processes(versions=versions, seed=seed, end=end)
    truth.mkdir(parents=True, exist_ok=True)
    for name, frame in (
        ("visits", _visits(drawn.histories, drawn.facts, drawn.situations)),
        ("outcomes", _outcomes(drawn.histories, drawn.facts)),
        ("derived", _derived(drawn.histories, drawn.facts, drawn.situations)),
    ):
        frame.write_parquet(truth / f"{name}.parquet")
    text = json.dumps(_counts(summary), indent=2) + "\n"
    (truth / "counts.json").write_text(text, encoding="utf-8")
    return summary


def _visits(histories: Histories, facts: pl.DataFrame, situations: Situations) -> pl.DataFrame:
    """One row per stay in a state. `left_at` is null where the stay goes on.

    The first visit begins at creation, also where the recorded history begins later.
    """
    steps = histories.steps
    states = pl.lit(situations.states["name"]).gather(pl.col("state"))
    created_at = pl.lit(histories.processes["created_at"]).gather(pl.col("process"))
    opened = steps.filter("opens_visit").select(
        "process",
        "visit_no",
        state=states,
        entered_at=pl.when(pl.col("visit_no") == 1).then(created_at).otherwise("t"),
    )
    closed = steps.filter(pl.col("closed_visit_no").is_not_null()).select(
        "process", visit_no="closed_visit_no", left_at="t"
    )
    return (
        opened.join(closed, on=["process", "visit_no"], how="left", maintain_order="left")
        .sort("process", "visit_no")
        .select(
            *_identity(facts),
            "visit_no",
            "state",
            pl.col("entered_at", "left_at").cast(_INSTANT),
        )
    )


def _outcomes(histories: Histories, facts: pl.DataFrame) -> pl.DataFrame:
    """One row per process, as at the end of the simulation."""
    status = pl.lit(pl.Series(list(_OUTCOMES.values()))).gather(pl.col("status"))
    steps = histories.steps
    last = _last_steps(steps)
    first = steps.filter(pl.col("step") == 1)
    return last.with_columns(
        first_seen_at=first["t"], created_at=histories.processes["created_at"]
    ).select(
        *_identity(facts),
        pl.col("created_at", "first_seen_at").cast(_INSTANT),
        pl.col("first_completed_at", "last_completed_at").cast(_INSTANT),
        outcome=pl.when("is_deleted").then(pl.lit("deleted")).otherwise(status),
        n_versions="step",
        n_visits="visit_no",
        n_completions="n_completions",
        n_cancellations="n_cancellations",
        n_reopens="n_reopens",
        n_deletions="n_deletions",
        n_restores="n_restores",
    )


def _derived(histories: Histories, facts: pl.DataFrame, situations: Situations) -> pl.DataFrame:
    """One row per lead, as at the end: what its formula and its rollup must give.

    `expected_value_cents` is null before the first edit. `n_tickets` are children that are not
    deleted. `has_drift` says that the supplied value is another.
    """
    last = _last_steps(histories.steps).with_columns(facts.select("parent", *BASES))
    tickets = last.filter(~pl.col("is_deleted") & pl.col("parent").is_not_null())
    of_lead = tickets.group_by(process_id="parent").agg(n_tickets=pl.len().cast(pl.Int64))
    leads = last.filter(pl.lit(facts["procedure_no"]) == LEAD).select(
        _identity(facts)[0],
        expected_value_cents=expected_value(situations),
        has_drift=pl.col("has_drift") & (pl.col("n_edits") > 0),
    )
    joined = leads.join(of_lead, on="process_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col("n_tickets").fill_null(0))


def _counts(summary: SimulationSummary) -> dict[str, Any]:
    return {
        "overall": {
            "lines": summary.lines,
            "accepted": summary.versions,
            "duplicates": summary.duplicates,
            "quarantined": sum(summary.rejected.values()),
            "blank": summary.blank,
            "late": summary.late,
        },
        "files": summary.files,
        "processes": summary.processes,
        "rejected": summary.rejected,
        "nulled": summary.nulled,
        "flagged": summary.flagged,
    }


def _last_steps(steps: pl.DataFrame) -> pl.DataFrame:
    """One row per process: its latest version."""
    return steps.filter(pl.col("process") != pl.col("process").shift(-1, fill_value=-1))


def _identity(facts: pl.DataFrame) -> tuple[pl.Expr, pl.Expr]:
    names = pl.Series([behaviour.procedure for behaviour in BEHAVIOURS])
    number = pl.lit(facts["procedure_no"]).gather(pl.col("process"))
    return (
        pl.lit(facts["id"]).gather(pl.col("process")).alias("process_id"),
        pl.lit(names).gather(number).alias("procedure"),
    )
