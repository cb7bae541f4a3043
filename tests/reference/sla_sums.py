"""Counts over the clocks of SLA policies.

The clocks themselves belong to the sla module.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from .activities import NO_ACTIVITIES, Activities
from .durations import percentile_seconds
from .intervals import limits
from .sla import WorkingTime, sla_clocks
from .versions import Procedures, Row, Version

_LEVELS = {
    "all": (),
    "month": ("period",),
    "pod": ("pod_id",),
    "pod_month": ("pod_id", "period"),
    "assignee": ("assigned_to",),
    "assignee_month": ("assigned_to", "period"),
}


def sla_attainment(
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
    time_zone: str,
    calendars: Mapping[str, WorkingTime] | None = None,
    activities: Activities = NO_ACTIVITIES,
) -> list[Row]:
    """One row per policy, level and values of that level."""
    found: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for clock in sla_clocks(
        versions, procedures, as_of=as_of, calendars=calendars, activities=activities
    ):
        known = clock | {"period": _month(clock["stopped_at"], time_zone)}
        for level, names in _LEVELS.items():
            values = tuple((name, known[name]) for name in names)
            found[clock["procedure"], clock["policy"], level, values].append(clock)
    rows: list[Row] = []
    for (procedure, policy, level, values), clocks in found.items():
        counts = {
            status: sum(clock["status"] == status for clock in clocks)
            for status in ("met", "breached", "running", "paused", None)
        }
        decided = counts["met"] + counts["breached"]
        stopped = [
            round(clock["elapsed_seconds"] * 1000)
            for clock in clocks
            if clock["ended_by"] == "stop"
        ]
        rows.append(
            {"period": None, "pod_id": None, "assigned_to": None}
            | dict(values)
            | {
                "procedure": procedure,
                "policy": policy,
                "level": level,
                "n": len(clocks),
                "met": counts["met"],
                "breached": counts["breached"],
                "running": counts["running"] + counts["paused"],
                "called_off": counts[None],
                "share_met": counts["met"] / decided if decided else None,
                "p50_elapsed_seconds": percentile_seconds(stopped, 0.5),
                "p90_elapsed_seconds": percentile_seconds(stopped, 0.9),
                **limits("share_met", counts["met"], decided),
                "is_small": decided < 5,
            }
        )
    return rows


def _month(at: int | None, time_zone: str) -> date | None:
    if at is None:
        return None
    return (
        datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(time_zone)).date().replace(day=1)
    )
