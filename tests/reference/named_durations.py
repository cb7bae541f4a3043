"""Named durations: the clocks of SLA policies without pauses and targets; and their quantiles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from .durations import percentile_seconds
from .observation import observed_since
from .outcomes import Watched, median_limits, reached
from .sla import WorkingTime, sla_clocks
from .versions import Procedures, Row, Version


@dataclass(frozen=True)
class Interval:
    """A duration of `ms`; `end` is `finished`, `running` or `otherwise`."""

    procedure: str
    value: str | None
    ms: int
    end: str
    is_observed: bool


def process_durations(
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
    time_zone: str,
    calendars: Mapping[str, WorkingTime] | None = None,
) -> list[Row]:
    """One row per process, measure and occurrence that counts by the definition."""
    since = observed_since(versions, procedures, as_of=as_of, time_zone=time_zone)
    as_policies = {
        name: procedure
        | {
            "slas": [
                duration | {"pause": [], "target": ("ms", 0), "calendar": None}
                for duration in procedure.get("durations", [])
            ]
        }
        for name, procedure in procedures.items()
    }
    clocks: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for clock in sla_clocks(versions, as_policies, as_of=as_of, calendars=calendars):
        clocks[clock["process_id"], clock["procedure"], clock["policy"]].append(clock)
    rows: list[Row] = []
    for (process_id, procedure, measure), found in clocks.items():
        (definition,) = [d for d in procedures[procedure]["durations"] if d["name"] == measure]
        chosen = {"first": found[:1], "last": found[-1:], "each": found}[definition["occurrence"]]
        rows += [
            {
                "process_id": process_id,
                "procedure": procedure,
                "measure": measure,
                "occurrence_no": clock["cycle"],
                "started_at": clock["started_at"],
                "ended_at": clock["stopped_at"],
                "ended_by": clock["ended_by"],
                "seconds": (_or(clock["stopped_at"], as_of) - clock["started_at"]) / 1000,
                "business_seconds": clock["elapsed_seconds"],
                "calendar": clock["calendar"],
                "is_observed": clock["started_at"] >= since[procedure],
            }
            for clock in chosen
        ]
    return rows


def durations(intervals: Sequence[Interval]) -> list[Row]:
    """One row per procedure and value: counts, Kaplan-Meier, and the finished ones alone."""
    groups: dict[tuple[str, str | None], list[Interval]] = defaultdict(list)
    for interval in intervals:
        groups[interval.procedure, interval.value].append(interval)
    rows: list[Row] = []
    for (procedure, value), members in groups.items():
        seen = [i for i in members if i.is_observed]
        lengths = [i.ms for i in seen if i.end == "finished"]
        watched = [Watched(i.ms, "completed" if i.end == "finished" else None, None) for i in seen]
        low, high = median_limits(watched, "any")
        rows.append(
            {
                "procedure": procedure,
                "value": value,
                "n": len(lengths),
                "n_running": sum(i.end == "running" for i in seen),
                "n_ended_otherwise": sum(i.end == "otherwise" for i in seen),
                **{
                    f"p{part}_seconds": reached(watched, "any", Fraction(part, 100))
                    for part in (25, 50, 75, 90)
                },
                "p50_seconds_low": low,
                "p50_seconds_high": high,
                **{
                    f"finished_p{part}_seconds": percentile_seconds(lengths, part / 100)
                    for part in (50, 75, 90)
                },
                "is_small": len(lengths) < 5,
                "n_left_out": len(members) - len(seen),
            }
        )
    return rows


def _or(instant: int | None, otherwise: int) -> int:
    return otherwise if instant is None else instant
