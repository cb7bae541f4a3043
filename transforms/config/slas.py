"""SLA policies and named durations as rows of `config` tables, which the SQL of clocks joins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from schemas.definitions.duration import NamedDuration
from schemas.definitions.procedure import Procedure
from schemas.definitions.sla import EventKind, Sla, SlaEvent, SlaTarget
from schemas.loading.check_slas import pausing_states

_TEXT = pl.String
SLA_SCHEMAS: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "sla_policies": {
        "policy": _TEXT,
        "procedure": _TEXT,
        "starts": _TEXT,
        "stops": _TEXT,
        "pauses": _TEXT,
        "target": _TEXT,
        "condition": _TEXT,
        "calendar": _TEXT,
        "warn_percent": pl.Int32,
        "is_repeated": pl.Boolean,
    },
    "named_durations": {
        "procedure": _TEXT,
        "measure": _TEXT,
        "starts": _TEXT,
        "stops": _TEXT,
        "occurrence": _TEXT,
    },
    "clocks": {
        "policy_no": pl.Int32,
        "policy": _TEXT,
        "procedure": _TEXT,
        "occurrence": _TEXT,
        "calendar": _TEXT,
        "target_ms": pl.Int64,
        "target_days": pl.Int64,
        "has_terms": pl.Boolean,
        "stops_at_first_assignment": pl.Boolean,
        "stops_at_first_call": pl.Boolean,
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

    A clock is that of a policy, or a named duration, which has an `occurrence` and no target. A
    target that is the same for all processes is in `target_ms` or, if it is given in working
    days, in `target_days`. `has_terms` is true where `where` or the target depends on values.
    """
    numbered = list(numbered_policies(procedures))
    durations = list(_numbered_durations(procedures, first=len(numbered) + 1))
    return {
        "sla_policies": [
            (
                sla.name,
                procedure.short_id,
                ", ".join(map(str, sla.start)),
                ", ".join(map(str, sla.stop)),
                ", ".join(_pausing(procedure, sla)) or None,
                shown_target(sla.target),
                sla.where,
                sla.calendar,
                sla.warn,
                sla.repeat,
            )
            for _, procedure, sla in numbered
        ],
        "named_durations": [
            (
                procedure.short_id,
                duration.name,
                ", ".join(map(str, duration.start)),
                ", ".join(map(str, duration.stop)),
                duration.occurrence,
            )
            for _, procedure, duration in durations
        ],
        "clocks": [
            *(_clock_of_policy(*policy) for policy in numbered),
            *(_clock_of_duration(*duration) for duration in durations),
        ],
        "sla_events": [
            (number, procedure.short_id, role, event.kind, event.state)
            for number, procedure, clock in (*numbered, *durations)
            for role, events in (
                ("start", clock.start),
                ("stop", clock.stop),
                ("renewal", _renewing(clock)),
            )
            for event in events
        ],
        "sla_pauses": [
            (number, procedure.short_id, state)
            for number, procedure, sla in numbered
            for state in _pausing(procedure, sla)
        ],
    }


def _clock_of_policy(number: int, procedure: Procedure, sla: Sla) -> tuple[object, ...]:
    duration = sla.target.duration
    return (
        number,
        sla.name,
        procedure.short_id,
        None,
        sla.calendar,
        duration and duration.milliseconds,
        duration and duration.days,
        has_terms(sla),
        _stops_at(sla, "first_assigned"),
        _stops_at(sla, "first_call"),
    )


def _clock_of_duration(
    number: int, procedure: Procedure, duration: NamedDuration
) -> tuple[object, ...]:
    return (
        number,
        duration.name,
        procedure.short_id,
        duration.occurrence,
        None,
        None,
        None,
        False,
        _stops_at(duration, "first_assigned"),
        _stops_at(duration, "first_call"),
    )


def numbered_policies(
    procedures: Sequence[Procedure],
) -> Iterator[tuple[int, Procedure, Sla]]:
    """The policies of all procedures with their numbers, from 1, in the order of procedures."""
    policies = [(procedure, sla) for procedure in procedures for sla in procedure.slas]
    for number, (procedure, sla) in enumerate(policies, start=1):
        yield number, procedure, sla


def _numbered_durations(
    procedures: Sequence[Procedure], *, first: int
) -> Iterator[tuple[int, Procedure, NamedDuration]]:
    """The named durations of all procedures; their numbers follow those of the policies."""
    durations = [(procedure, part) for procedure in procedures for part in procedure.durations]
    for number, (procedure, duration) in enumerate(durations, start=first):
        yield number, procedure, duration


def _renewing(clock: Sla | NamedDuration) -> list[SlaEvent]:
    """The stops that also start the next clock: those that leave the process open."""
    if not isinstance(clock, Sla) or not clock.repeat:
        return []
    return [event for event in clock.stop if event.kind not in ("completed", "closed")]


def _stops_at(clock: Sla | NamedDuration, kind: EventKind) -> bool:
    return any(event.kind == kind for event in clock.stop)


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
