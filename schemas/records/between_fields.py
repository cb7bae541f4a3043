"""The rules between the fields of one version of a process."""

from __future__ import annotations

import polars as pl

from schemas.records.rule import Rule

PROCEDURE_FACTS = {
    "is_completed_state": pl.Boolean,
    "is_done_state": pl.Boolean,
    "procedure_entity": pl.String,
}
"""What the rules of `by_procedure` compare a version with, by procedure and state."""

_UPDATED = "the closing is dated by `updatedAt`"


def between_fields() -> list[Rule]:
    """The rules that hold for every procedure."""
    status = pl.col("status")
    created, updated = pl.col("created_at"), pl.col("updated_at")
    completed, cancelled = pl.col("completed_at"), pl.col("cancelled_at")
    first, last = pl.col("first_assigned_at"), pl.col("last_assigned_at")
    return [
        _flag(
            "updated_at:order",
            "`updatedAt` is not before `createdAt`.",
            "updatedAt",
            updated >= created,
        ),
        _flag(
            "completed_at:missing",
            "A COMPLETED version has `completedAt`.",
            "completedAt",
            (status != "COMPLETED") | completed.is_not_null(),
            column="status",
        ),
        _flag(
            "cancelled_at:missing",
            "A CANCELLED version has `cancelledAt`.",
            "cancelledAt",
            (status != "CANCELLED") | cancelled.is_not_null(),
            column="status",
        ),
        _flag(
            "completed_at:open",
            "An OPEN version has no `completedAt`.",
            "completedAt",
            status != "OPEN",
        ),
        _flag(
            "cancelled_at:open",
            "An OPEN version has no `cancelledAt`.",
            "cancelledAt",
            status != "OPEN",
        ),
        _flag(
            "completed_at:cancelled",
            "A CANCELLED version has no `completedAt`.",
            "completedAt",
            status != "CANCELLED",
        ),
        _flag(
            "cancelled_at:completed",
            "A COMPLETED version has no `cancelledAt`.",
            "cancelledAt",
            status != "COMPLETED",
        ),
        _flag(
            "completed_at:order",
            f"`completedAt` is between `createdAt` and `updatedAt`; if not, {_UPDATED}.",
            "completedAt",
            completed.is_between(created, updated),
        ),
        _flag(
            "cancelled_at:order",
            f"`cancelledAt` is between `createdAt` and `updatedAt`; if not, {_UPDATED}.",
            "cancelledAt",
            cancelled.is_between(created, updated),
        ),
        _flag(
            "first_assigned_at:order",
            "`firstAssignedAt` is not before `createdAt`.",
            "firstAssignedAt",
            first >= created,
        ),
        _flag(
            "last_assigned_at:order",
            "`lastAssignedAt` is not before `firstAssignedAt`.",
            "lastAssignedAt",
            last >= first,
        ),
        _flag(
            "entity_id:missing",
            "A version with `record` has `entity`.",
            "entity",
            pl.col("entity_id").is_not_null(),
            column="record_id",
        ),
        _flag(
            "parent_procedure:missing",
            "A version with `parentProcess` has `parentProcedure`.",
            "parentProcedure",
            pl.col("parent_procedure").is_not_null(),
            column="parent_process_id",
        ),
        _flag(
            "parent_process_id:missing",
            "A version with `parentProcedure` has `parentProcess`.",
            "parentProcess",
            pl.col("parent_process_id").is_not_null(),
            column="parent_procedure",
        ),
        _flag(
            "next_action_at:closed",
            "A COMPLETED or CANCELLED version has no `nextActionAt`.",
            "nextActionAt",
            status == "OPEN",
        ),
    ]


def by_procedure(**facts: pl.Expr) -> list[Rule]:
    """The rules about what a procedure defines; `facts` not given are columns of that name."""
    is_completed_state, is_done_state, procedure_entity = (
        facts.get(name, pl.col(name)) for name in PROCEDURE_FACTS
    )
    status = pl.col("status")
    return [
        _flag(
            "state_key:completed",
            "A COMPLETED version is in the `completedState` of its procedure.",
            "state",
            (status != "COMPLETED") | is_completed_state,
            column="status",
        ),
        _flag(
            "state_key:open",
            "An OPEN version is not in a state of kind `done`.",
            "state",
            (status != "OPEN") | ~is_done_state,
            column="status",
        ),
        _flag(
            "entity_id:procedure",
            "`entity` is the entity of the procedure.",
            "entity",
            pl.col("entity_id") == procedure_entity,
        ),
    ]


def _flag(id_: str, sentence: str, name: str, passes: pl.Expr, column: str = "") -> Rule:
    """A rule about the field `name`; it passes where `column` (else that of the field) is null."""
    return Rule(f"core:{id_}", "flag", sentence, name, column or id_.partition(":")[0], passes)
