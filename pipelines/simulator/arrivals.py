"""Draws when processes are created, and their first recorded versions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import polars as pl

from pipelines.simulator.behaviour import BEHAVIOURS, STATUSES, Behaviour
from pipelines.simulator.draws import Draws
from pipelines.simulator.situations import Situations

SECOND_MS = 1000
HOUR_MS = 3600 * SECOND_MS
DAY_MS = 24 * HOUR_MS
UNASSIGNED = -1

OPENING_HOUR = 7  # UTC: about 8 or 9 in Berlin
CLOSING_HOUR = 17
GROWTH = 0.9  # arrivals per day at the end of the span: 90 % above its beginning
_WEEKDAY_WEIGHTS = (1.1, 1.05, 1.0, 1.0, 0.9, 0.2, 0.12)
_HOUR_WEIGHTS = (1, 1, 1, 1, 1, 2, 6, 14, 20, 21, 20, 16, 18, 20, 19, 16, 12, 7, 5, 4, 3, 3, 2, 1)
_LATE_HISTORY_SHARE = 0.06
_LATE_HISTORY_DAYS = 25
_ASSIGNED_AT_ONCE_SHARE = 0.3
_FORGETS_ASSIGNMENT_SHARE = 0.05


def weekday(day: pl.Expr) -> pl.Expr:
    """Monday is 0. Day 0 of the epoch was a Thursday."""
    return (day + 3) % 7


def draw_arrivals(
    situations: Situations, draws: Draws, *, n: int, start: int, end: int
) -> pl.DataFrame:
    """One row per process (unordered) with its first version; at most `n` rows.

    `t` is the instant of that version in epoch milliseconds. It equals `created_at` unless the
    recorded history starts late; then the process may be in a later state, or completed.
    """
    base = pl.select(
        procedure_no=_by_weight([b.share for b in BEHAVIOURS], draws.uniform("procedure", n)),
        created_at=_creation_instants(draws, n=n, start=start, end=end),
        pace=draws.uniform("pace", n) * 1.5 + 0.25,
        u_late=draws.uniform("late history", n),
        u_lag=draws.uniform("late history lag", n),
        u_state=draws.uniform("late history state", n),
        u_assigned=draws.uniform("assigned at once", n),
        u_assignee=draws.uniform("first assignee", n),
        u_stamp=draws.uniform("first completion stamp", n),
        forgets_assignment=draws.uniform("forgets", n) < _FORGETS_ASSIGNMENT_SHARE,
    )
    lag = (pl.col("u_lag") * _LATE_HISTORY_DAYS * DAY_MS).cast(pl.Int64) + SECOND_MS
    is_late = pl.col("u_late") < _LATE_HISTORY_SHARE
    frame = base.with_columns(
        t=pl.col("created_at") + pl.when(is_late).then(lag).otherwise(0),
        state=pl.when(is_late)
        .then(_per_procedure(situations, pl.col("u_state"), late=True))
        .otherwise(_per_procedure(situations, pl.col("u_state"), late=False)),
    ).with_columns(status=_status_of(situations))
    is_done = pl.col("status") == STATUSES.index("COMPLETED")
    done_at = pl.col("created_at") + (
        (pl.col("t") - pl.col("created_at")) * pl.col("u_stamp")
    ).cast(pl.Int64)
    in_span = (pl.col("created_at") >= start) & (pl.col("t") <= end)
    return frame.filter(in_span).with_columns(
        process=pl.int_range(pl.len(), dtype=pl.Int32),
        assignee=pl.when(pl.col("u_assigned") < _ASSIGNED_AT_ONCE_SHARE)
        .then((pl.col("u_assignee") * team_size()).cast(pl.Int32))
        .otherwise(UNASSIGNED),
        completed_at=pl.when(is_done).then(done_at),
    )


def team_size() -> pl.Expr:
    """Number of people who work on processes of the row's procedure."""
    sizes = pl.Series([behaviour.team_size for behaviour in BEHAVIOURS], dtype=pl.Int32)
    return pl.lit(sizes).gather(pl.col("procedure_no"))


def _by_weight(weights: Sequence[float], u: pl.Series) -> pl.Series:
    total = sum(weights)
    ends = pl.Series([end / total for end in accumulate(weights)][:-1], dtype=pl.Float64)
    return ends.search_sorted(u).cast(pl.Int32)


def _creation_instants(draws: Draws, *, n: int, start: int, end: int) -> pl.Series:
    """Days by growth and weekday, hours by office days; both ends may lie outside the span."""
    first, last = start // DAY_MS, end // DAY_MS
    length = max(last - first, 1)
    weights = [
        (1 + GROWTH * (day - first) / length) * _WEEKDAY_WEIGHTS[(day + 3) % 7]
        for day in range(first, last + 1)
    ]
    day = _by_weight(weights, draws.uniform("arrival day", n)).cast(pl.Int64) + first
    hour = _by_weight(_HOUR_WEIGHTS, draws.uniform("arrival hour", n)).cast(pl.Int64)
    within = draws.below("arrival instant", n, HOUR_MS).cast(pl.Int64)
    return day * DAY_MS + hour * HOUR_MS + within


def _per_procedure(situations: Situations, u: pl.Expr, *, late: bool) -> pl.Expr:
    """First recorded state: the start state, or one of the states in which late histories begin."""

    def numbers(behaviour: Behaviour) -> pl.Series:
        names = behaviour.late_states if late else behaviour.late_states[:1]
        found = [situations.state_number(behaviour.procedure, name) for name in names]
        return pl.Series(found, dtype=pl.Int32)

    lead, ticket = (numbers(behaviour) for behaviour in BEHAVIOURS)
    return (
        pl.when(pl.col("procedure_no") == 0)
        .then(pl.lit(lead).gather((u * len(lead)).cast(pl.Int32)))
        .otherwise(pl.lit(ticket).gather((u * len(ticket)).cast(pl.Int32)))
    )


def _status_of(situations: Situations) -> pl.Expr:
    final = {
        (behaviour.procedure, name): status
        for behaviour in BEHAVIOURS
        for name, status in behaviour.final_status.items()
    }
    codes = [
        STATUSES.index(final.get((procedure, name), "OPEN"))
        for _, procedure, name in situations.states.iter_rows()
    ]
    return pl.lit(pl.Series(codes, dtype=pl.Int32)).gather(pl.col("state"))
