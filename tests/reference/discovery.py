"""Time in states, rework and ageing work, counted one by one.

Visits and stays themselves are for `stays.py` and `open_stays.py`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction

from .changes import attribute_changes
from .durations import mean_seconds, percentile_seconds
from .history import process_lifecycle, processes, state_visits
from .observation import observed_since
from .open_stays import open_stays
from .outcomes import Watched, reached
from .stays import spells_of
from .versions import Procedures, Row, Version, histories

_DAYS = (0, 1, 3, 7, 14, 30, 90)
_NAMES = (
    "under 1 day",
    "1 to 3 days",
    "3 to 7 days",
    "7 to 14 days",
    "14 to 30 days",
    "30 to 90 days",
    "90 days and more",
)


def state_durations(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per procedure and state; without the rank of bottlenecks where time is equal."""
    open_ms: dict[tuple[str, str], int] = defaultdict(int)
    for stay in open_stays(versions, procedures, as_of=as_of):
        open_ms[stay["procedure"], stay["state"]] += round(stay["seconds"] * 1000)
    rows: list[Row] = []
    by_state = _by_state(versions, procedures, as_of)
    for (procedure, state), visits in by_state.items():
        ended = _finished(visits)
        running = [v["seconds"] for v in visits if v["is_current"]]
        mine = open_ms[procedure, state]
        everything = sum(ms for (name, _), ms in open_ms.items() if name == procedure)
        busier = [
            other
            for name, other in by_state
            if name == procedure
            and by_state[name, other][0]["state_kind"] != "done"
            and (-open_ms[name, other], _rank(procedures, name, other))
            < (-mine, _rank(procedures, procedure, state))
        ]
        rows.append(
            {
                "procedure": procedure,
                "state": state,
                "state_kind": visits[0]["state_kind"],
                "state_rank": visits[0]["state_rank"],
                "n_visits": len(visits),
                "processes": len({v["process_id"] for v in visits}),
                "n_current": len(running),
                "n": len(ended),
                "mean_seconds": mean_seconds(ended),
                "p50_seconds": percentile_seconds(ended, 0.5),
                "p75_seconds": percentile_seconds(ended, 0.75),
                "p90_seconds": percentile_seconds(ended, 0.9),
                "p95_seconds": percentile_seconds(ended, 0.95),
                "longest_current_seconds": max(running, default=None),
                "total_open_seconds": mine / 1000,
                "share_of_open_time": mine / everything if everything else None,
                "bottleneck_rank": (None if visits[0]["state_kind"] == "done" else len(busier) + 1),
            }
        )
    return rows


def rework(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per procedure and state."""
    changes = attribute_changes(versions, procedures, as_of=as_of)
    paths: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for visit in state_visits(versions, procedures, as_of=as_of):
        paths[visit["process_id"]].append((visit["procedure"], visit["state"]))
    rows: list[Row] = []
    for (procedure, state), visits in _by_state(versions, procedures, as_of).items():
        again = [v for v in visits if v["n_previous_visits"] > 0 and v["direction"] != "same"]
        turns = 0
        for process_id in {v["process_id"] for v in visits}:
            path = paths[process_id]
            here = (procedure, state)
            turns += sum(
                path[n] == path[n - 2] == here
                and path[n - 1][0] == procedure
                and path[n - 1] != here
                for n in range(2, len(path))
            )
        everyone = {v["process_id"] for v in visits}
        back = {v["process_id"] for v in again}
        rows.append(
            {
                "procedure": procedure,
                "state": state,
                "n_visits": len(visits),
                "processes": len(everyone),
                "n_reentries": len(again),
                "n_processes_back": len(back),
                "share_back": len(back) / len(everyone),
                "n_backward": sum(v["direction"] == "backward" for v in visits),
                "n_ping_pongs": turns,
                "n_changes_in_place": sum(
                    (c["procedure"], c["state"]) == (procedure, state) and not c["is_deleted"]
                    for c in changes
                )
                if any(a["track"] for a in procedures[procedure]["attributes"])
                else None,
            }
        )
    return rows


def open_ageing(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """One row per procedure, state and bucket in which an open process is."""
    groups: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for row in _waiting(versions, procedures, as_of):
        days = row["seconds_in_state"] / 86400
        number = sum(days >= start for start in _DAYS)
        groups[row["procedure"], row["state"], number].append(row["seconds_in_state"])
    limits = _limits(versions, procedures, as_of, time_zone)
    rows: list[Row] = []
    for (procedure, state, number), lengths in groups.items():
        limit = limits.get((procedure, state))
        rows.append(
            {
                "procedure": procedure,
                "state": state,
                "bucket_no": number,
                "bucket": _NAMES[number - 1],
                "open_processes": len(lengths),
                "longest_seconds": max(lengths),
                "p85_seconds": limit,
                "n_stalled": None if limit is None else sum(n > limit for n in lengths),
            }
        )
    return rows


def stalled_processes(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """One row per open process beyond the limit of its state."""
    limits = _limits(versions, procedures, as_of, time_zone)
    return [
        {
            "process_id": row["process_id"],
            "procedure": row["procedure"],
            "state": row["state"],
            "assigned_to": row["assigned_to"],
            "in_state_since": as_of - round(row["seconds_in_state"] * 1000),
            "seconds_in_state": row["seconds_in_state"],
            "p85_seconds": limits[row["procedure"], row["state"]],
        }
        for row in _waiting(versions, procedures, as_of)
        if row["seconds_in_state"] > limits.get((row["procedure"], row["state"]), float("inf"))
    ]


def _waiting(versions: list[Version], procedures: Procedures, as_of: int) -> list[Row]:
    lengths = {
        row["process_id"]: row["seconds_in_state"]
        for row in process_lifecycle(versions, procedures, as_of=as_of)
    }
    return [
        row | {"seconds_in_state": lengths[row["process_id"]]}
        for row in processes(versions, procedures, as_of=as_of)
        if row["outcome"] == "open"
    ]


def _limits(
    versions: list[Version], procedures: Procedures, as_of: int, time_zone: str
) -> dict[tuple[str, str], float]:
    """By state: when 85 % of the stays while open have ended, if they have."""
    since = observed_since(versions, procedures, as_of=as_of, time_zone=time_zone)
    stays: dict[tuple[str, str], list[Watched]] = defaultdict(list)
    seen = histories(versions, as_of)
    for visit in state_visits(versions, procedures, as_of=as_of):
        history = seen[visit["process_id"]]
        begun = visit["entered_at"]
        spells = [
            spell
            for spell in spells_of(history)
            if spell.started_at <= begun < (spell.ended_at or math.inf)
            and spell.status == spell.shown[0]["status"] == "OPEN"
        ]
        if not spells or begun < since[visit["procedure"]]:
            continue
        closed_at = spells[0].ended_at or math.inf
        left_at = visit["left_at"] or math.inf
        is_cut_off = visit["is_left_by_deletion"] or visit["is_left_by_procedure_change"]
        is_ended = left_at != math.inf and not is_cut_off
        if closed_at < left_at:
            is_ended = spells[0].ended_by in ("completed", "cancelled")
        until = min(closed_at, left_at, as_of)
        ending = "completed" if is_ended else None
        stays[visit["procedure"], visit["state"]].append(Watched(int(until) - begun, ending))
    return {
        place: limit
        for place, watched in stays.items()
        if (limit := reached(watched, "any", Fraction(85, 100))) is not None
    }


def _finished(visits: list[Row]) -> list[int]:
    """The lengths of visits that were left for another state."""
    return [
        round(v["seconds"] * 1000)
        for v in visits
        if not (v["is_current"] or v["is_left_by_deletion"] or v["is_left_by_procedure_change"])
    ]


def _by_state(
    versions: list[Version], procedures: Procedures, as_of: int
) -> dict[tuple[str, str], list[Row]]:
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for visit in state_visits(versions, procedures, as_of=as_of):
        groups[visit["procedure"], visit["state"]].append(visit)
    return groups


def _rank(procedures: Procedures, procedure: str, state: str) -> int:
    names = [s["short_id"] for s in procedures[procedure]["states"]]
    return names.index(state)
