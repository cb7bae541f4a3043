"""The funnels of procedures as rows of `config` tables, which the SQL of the funnels joins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import polars as pl

from schemas.definitions.funnel import Funnel, FunnelStep
from schemas.definitions.procedure import Procedure

_TEXT = pl.String
FUNNEL_SCHEMAS: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "funnels": {
        "funnel_no": pl.Int32,
        "funnel": _TEXT,
        "procedure": _TEXT,
        "within_seconds": pl.Float64,
        "n_steps": pl.Int32,
        "n_required": pl.Int32,
        "entry": _TEXT,
    },
    "funnel_step_list": {
        "funnel_no": pl.Int32,
        "procedure": _TEXT,
        "step_no": pl.Int32,
        "step": _TEXT,
        "is_optional": pl.Boolean,
        "required_no": pl.Int32,
        "optional_no": pl.Int32,
        "next_required_step_no": pl.Int32,
        "same_no": pl.Int32,
        "outcome": _TEXT,
        "least_rank": pl.Int32,
        "has_where": pl.Boolean,
        "within_ms": pl.Int64,
        "min_gap_ms": pl.Int64,
    },
    "funnel_states": {
        "funnel_no": pl.Int32,
        "procedure": _TEXT,
        "step_no": pl.Int32,
        "state": _TEXT,
    },
    "funnel_exclusions": {"funnel_no": pl.Int32, "procedure": _TEXT, "state": _TEXT},
}


def funnel_rows(procedures: Sequence[Procedure]) -> dict[str, list[tuple[object, ...]]]:
    """The rows of each table; `funnel_no` identifies a funnel among those of all procedures.

    `required_no` counts the required steps; an optional step has that of the required step before
    it, and `optional_no` counts the optional steps since then. `same_no` counts the steps up to
    this one with the same states, outcome and condition. `least_rank` is the lowest rank of its
    states if a higher rank counts for the step too; null for outcomes and conditions.
    """
    numbered = list(numbered_funnels(procedures))
    return {
        "funnels": [
            (
                number,
                funnel.name,
                procedure.short_id,
                funnel.within and funnel.within.total_seconds(),
                len(funnel.steps),
                sum(not step.optional for step in funnel.steps),
                funnel.entry,
            )
            for number, procedure, funnel in numbered
        ],
        "funnel_step_list": [
            row
            for number, procedure, funnel in numbered
            for row in _steps(number, procedure, funnel)
        ],
        "funnel_states": [
            (number, procedure.short_id, step_no, state)
            for number, procedure, funnel in numbered
            for step_no, step in enumerate(funnel.steps, start=1)
            for state in dict.fromkeys(step.states)
        ],
        "funnel_exclusions": [
            (number, procedure.short_id, state)
            for number, procedure, funnel in numbered
            for state in dict.fromkeys(funnel.exclude)
        ],
    }


def numbered_funnels(
    procedures: Sequence[Procedure],
) -> Iterator[tuple[int, Procedure, Funnel]]:
    """The funnels of all procedures with their numbers, from 1, in the order of procedures."""
    funnels = [(procedure, funnel) for procedure in procedures for funnel in procedure.funnels]
    for number, (procedure, funnel) in enumerate(funnels, start=1):
        yield number, procedure, funnel


def _steps(number: int, procedure: Procedure, funnel: Funnel) -> Iterator[tuple[object, ...]]:
    ranks = {state.short_id: state.rank for state in procedure.states}
    seen: dict[object, int] = {}
    required_no = optional_no = 0
    for step_no, step in enumerate(funnel.steps, start=1):
        same = (frozenset(step.states), step.outcome, step.where)
        seen[same] = seen.get(same, 0) + 1
        optional_no = optional_no + 1 if step.optional else 0
        required_no += not step.optional
        later = [n for n, s in enumerate(funnel.steps, 1) if n > step_no and not s.optional]
        fills = bool(step.states) and step.where is None
        yield (
            number,
            procedure.short_id,
            step_no,
            step.name,
            step.optional,
            required_no,
            optional_no,
            min(later, default=None),
            seen[same],
            step.outcome and step.outcome.upper(),
            min(ranks[state] for state in step.states) if fills else None,
            step.where is not None,
            *_windows(step),
        )


def _windows(step: FunnelStep) -> tuple[int | None, int | None]:
    within, gap = step.within, step.min_gap
    millisecond = timedelta(milliseconds=1)
    return (
        None if within is None else within // millisecond,
        None if gap is None else gap // millisecond,
    )
