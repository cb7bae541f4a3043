"""The SLA policies of procedures as rows of `config` tables, which the SQL of the clocks joins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from schemas.definitions.procedure import Procedure
from schemas.definitions.sla import Sla, SlaTarget
from schemas.loading.check_slas import pausing_states

_TEXT = pl.String
SLA_SCHEMAS: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "sla_policies": {
        "policy_no": pl.Int32,
        "policy": _TEXT,
        "procedure": _TEXT,
        "starts": _TEXT,
        "stops": _TEXT,
        "pauses": _TEXT,
        "target": _TEXT,
        "condition": _TEXT,
        "calendar": _TEXT,
        "target_ms": pl.Int64,
        "target_days": pl.Int64,
        "has_terms": pl.Boolean,
        "stops_at_first_assignment": pl.Boolean,
        "stops_at_first_call": pl.Boolean,
        "warn_percent": pl.Int32,
    },
    "sla_events": {
        "policy_no": pl.Int32,
        "procedure": _TEXT,
        "role": _TEXT,
        "event": _TEXT,
        "state": _TEXT,
    },
    "sla_pauses": {"policy_no": pl.Int32, "procedure": _TEXT, "state": _TEXT},
}


def sla_rows(procedures: Sequence[Procedure]) -> dict[str, list[tuple[object, ...]]]:
    """The rows of each table; `policy_no` is unique over all procedures.

    A target that is the same for all processes is in `target_ms` or, if it is given in working
    days, in `target_days`. `has_terms` is true where `where` or the target depends on values.
    """
    numbered = list(numbered_policies(procedures))
    return {
        "sla_policies": [
            (
                number,
                sla.name,
                procedure.short_id,
                ", ".join(map(str, sla.start)),
                ", ".join(map(str, sla.stop)),
                ", ".join(_pausing(procedure, sla)) or None,
                shown_target(sla.target),
                sla.where,
                sla.calendar,
                sla.target.duration and sla.target.duration.milliseconds,
                sla.target.duration and sla.target.duration.days,
                has_terms(sla),
                any(event.kind == "first_assigned" for event in sla.stop),
                any(event.kind == "first_call" for event in sla.stop),
                sla.warn,
            )
            for number, procedure, sla in numbered
        ],
        "sla_events": [
            (number, procedure.short_id, role, event.kind, event.state)
            for number, procedure, sla in numbered
            for role, events in (("start", sla.start), ("stop", sla.stop))
            for event in events
        ],
        "sla_pauses": [
            (number, procedure.short_id, state)
            for number, procedure, sla in numbered
            for state in _pausing(procedure, sla)
        ],
    }


def numbered_policies(
    procedures: Sequence[Procedure],
) -> Iterator[tuple[int, Procedure, Sla]]:
    """The policies of all procedures with their numbers, from 1, in the order of procedures."""
    policies = [(procedure, sla) for procedure in procedures for sla in procedure.slas]
    for number, (procedure, sla) in enumerate(policies, start=1):
        yield number, procedure, sla


def has_terms(sla: Sla) -> bool:
    """Whether `where` or the target depends on values of the process."""
    return sla.where is not None or sla.target.duration is None


def shown_target(target: SlaTarget) -> str:
    """A target as text: `4 h`, a formula, or `by priority: 1: 4 h, otherwise 3 d`."""
    if target.duration is not None:
        return str(target.duration)
    if target.by is None:
        return target.formula or ""
    parts = [f"{value}: {duration}" for value, duration in target.values.items()]
    if target.otherwise is not None:
        parts.append(f"otherwise {target.otherwise}")
    return f"by {target.by}: {', '.join(parts)}"


def _pausing(procedure: Procedure, sla: Sla) -> list[str]:
    return pausing_states(sla.pause, {s.short_id: s.kind for s in procedure.states})
