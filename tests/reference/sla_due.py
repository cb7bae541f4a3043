"""The clocks of SLA policies that have not ended, and when they come into warning."""

from __future__ import annotations

from collections.abc import Mapping

from .activities import NO_ACTIVITIES, Activities
from .business import CALENDAR_TIMES
from .sla import EveryHour, WorkingTime, sla_clocks
from .versions import Procedures, Row, Version, histories


def sla_due(
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
    calendars: Mapping[str, WorkingTime] | None = None,
    activities: Activities = NO_ACTIVITIES,
) -> list[Row]:
    """One row per policy and process with a clock that has not ended at `as_of`."""
    times = {"always": EveryHour(), **CALENDAR_TIMES, **(calendars or {})}
    latest = {process_id: seen[-1] for process_id, seen in histories(versions, as_of).items()}
    rows: list[Row] = []
    for clock in sla_clocks(
        versions, procedures, as_of=as_of, calendars=calendars, activities=activities
    ):
        if clock["stopped_at"] is not None:
            continue
        policies = procedures[clock["procedure"]]["slas"]
        (percent,) = [p.get("warn_percent") for p in policies if p["name"] == clock["policy"]]
        # In hundredths of a millisecond: the counted time, and that of the warning.
        target = round(clock["target_seconds"] * 1000)
        left = None if percent is None else target * percent - 100 * _elapsed(clock)
        if clock["status"] == "breached":
            level = "breached"
        else:
            level = "warning" if left is not None and left <= 0 else "in_time"
        warns_at = None
        if level == "in_time" and clock["status"] == "running" and left is not None:
            warns_at = times[clock["calendar"]].reached(as_of, -(-left // 100))
        rows.append(
            {
                **{
                    name: clock[name]
                    for name in (
                        "process_id",
                        "procedure",
                        "policy",
                        "assigned_to",
                        "pod_id",
                        "status",
                        "started_at",
                        "due_at",
                        "target_seconds",
                        "remaining_seconds",
                    )
                },
                "state": latest[clock["process_id"]]["state"],
                "level": level,
                "warns_at": warns_at,
            }
        )
    return rows


def _elapsed(clock: Row) -> int:
    return round(clock["elapsed_seconds"] * 1000)
