"""Compiles the behaviours into look-up columns, so that any number of draws is one gather."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import polars as pl

from pipelines.simulator.behaviour import (
    BEHAVIOURS,
    KINDS,
    STATUS_OF_KIND,
    STATUSES,
    Behaviour,
    Weights,
)

# A weight becomes a number of slots out of this many; a draw picks a slot, hence the action.
SLOTS = 4000
# Per state: the three statuses, deleted while open, deleted while closed.
PER_STATE = 5
NO_CHANGE = -1


def situation(state: pl.Expr, status: pl.Expr, *, is_deleted: pl.Expr) -> pl.Expr:
    """The row of the look-up columns for a process."""
    deleted = pl.when(status == 0).then(3).otherwise(4)
    offset = pl.when(is_deleted).then(deleted).otherwise(status)
    return (state * PER_STATE + offset).cast(pl.Int32)


@dataclass(frozen=True)
class Situations:
    """Look-up columns. States are numbered over all procedures, in the order of `states`."""

    states: pl.DataFrame  # state (number), procedure, name
    slots: pl.Series  # situation * SLOTS + draw -> action
    kind: pl.Series  # action -> number of its kind
    to_state: pl.Series  # action -> state, NO_CHANGE if it stays
    to_status: pl.Series  # action -> status, NO_CHANGE if it stays
    gap: pl.Series  # situation -> mean seconds to the next change

    def state_number(self, procedure: str, name: str) -> int:
        """The number of a procedure's state."""
        row = self.states.filter(pl.col("procedure") == procedure, pl.col("name") == name)
        return int(row.item(0, "state"))


def compile_situations() -> Situations:
    """The look-up columns of `BEHAVIOURS`."""
    numbers: dict[tuple[str, str], int] = {}
    for behaviour in BEHAVIOURS:
        for name in behaviour.open:
            numbers[behaviour.procedure, name] = len(numbers)
    actions: dict[tuple[int, int, int], int] = {}
    slots: list[int] = []
    gaps: list[float] = []
    for behaviour in BEHAVIOURS:
        for name in behaviour.open:
            for status, is_deleted in _offsets():
                weights = behaviour.weights(name, status, is_deleted=is_deleted)
                for action, width in _widths(weights):
                    facts = _facts(behaviour, action, numbers)
                    slots += [actions.setdefault(facts, len(actions))] * width
                gaps.append(behaviour.gap(name, status, is_deleted=is_deleted))
    return Situations(
        states=pl.DataFrame(
            [(number, *key) for key, number in numbers.items()],
            schema={"state": pl.Int32, "procedure": pl.String, "name": pl.String},
            orient="row",
        ),
        slots=pl.Series(slots, dtype=pl.Int32),
        kind=pl.Series([kind for kind, _, _ in actions], dtype=pl.Int32),
        to_state=pl.Series([state for _, state, _ in actions], dtype=pl.Int32),
        to_status=pl.Series([status for _, _, status in actions], dtype=pl.Int32),
        gap=pl.Series(gaps, dtype=pl.Float64),
    )


def _offsets() -> list[tuple[str, bool]]:
    live = [(status, False) for status in STATUSES]
    return [*live, ("OPEN", True), ("COMPLETED", True)]


def _widths(weights: Weights) -> list[tuple[str, int]]:
    total = sum(weights.values())
    ends = [round(end / total * SLOTS) for end in accumulate(weights.values())]
    starts = [0, *ends[:-1]]
    return [(action, end - start) for action, start, end in zip(weights, starts, ends, strict=True)]


def _facts(
    behaviour: Behaviour, action: str, numbers: dict[tuple[str, str], int]
) -> tuple[int, int, int]:
    """(kind, state it leads to, status it leads to), as numbers."""
    if action in behaviour.open:
        status = behaviour.final_status.get(action, "OPEN")
        return KINDS.index("move"), numbers[behaviour.procedure, action], STATUSES.index(status)
    changed = STATUS_OF_KIND.get(action)
    to_status = NO_CHANGE if changed is None else STATUSES.index(changed)
    return KINDS.index(action), NO_CHANGE, to_status
