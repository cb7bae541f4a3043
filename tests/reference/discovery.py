"""Time in states, rework and ageing work, counted one by one.

Visits and stays themselves are for `stays.py` and `open_stays.py`.
"""

from __future__ import annotations

from collections import defaultdict

from .changes import attribute_changes
from .durations import mean_seconds, percentile_seconds
from .history import process_lifecycle, processes, state_visits
from .open_stays import open_stays
from .versions import Procedures, Row, Version

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
    ways: dict[str, list[str]] = defaultdict(list)
    for visit in state_visits(versions, procedures, as_of=as_of):
        ways[visit["process_id"]].append(visit["state"])
    rows: list[Row] = []
    for (procedure, state), visits in _by_state(versions, procedures, as_of).items():
        again = [v for v in visits if v["n_previous_visits"] > 0 and v["direction"] != "same"]
        turns = 0
        for process_id in {v["process_id"] for v in visits}:
            way = ways[process_id]
            turns += sum(
                way[n] == state and way[n - 2] == state and way[n - 1] != state
                for n in range(2, len(way))
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
                    (c["procedure"], c["state"]) == (procedure, state) for c in changes
                )
                if any(a["track"] for a in procedures[procedure]["attributes"])
                else None,
            }
        )
    return rows


def open_ageing(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per procedure, state and bucket in which an open process is."""
    groups: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for row in _waiting(versions, procedures, as_of):
        days = row["seconds_in_state"] / 86400
        number = sum(days >= start for start in _DAYS)
        groups[row["procedure"], row["state"], number].append(row["seconds_in_state"])
    limits = _limits(versions, procedures, as_of)
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
                "n_stalled": sum(limit is not None and length > limit for length in lengths),
            }
        )
    return rows


def stalled_processes(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per open process beyond the limit of its state."""
    limits = _limits(versions, procedures, as_of)
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
    versions: list[Version], procedures: Procedures, as_of: int
) -> dict[tuple[str, str], float]:
    limits: dict[tuple[str, str], float] = {}
    for place, visits in _by_state(versions, procedures, as_of).items():
        ended = _finished(visits)
        limit = percentile_seconds(ended, 0.85)
        if limit is not None:
            limits[place] = round(limit, 3)
    return limits


def _finished(visits: list[Row]) -> list[int]:
    """The lengths of visits that were left for another state."""
    return [
        round(v["seconds"] * 1000)
        for v in visits
        if not v["is_current"] and not v["is_left_by_deletion"]
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
