"""Sums over processes: how long things took, which way processes went, what was open on each day.

What happened to a single process belongs to the history module.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

from .business import business_lifecycle
from .days import contains, days, last_instant, local_day, midnight
from .durations import mean_seconds, percentile_seconds
from .history import process_lifecycle, processes, state_visits, status_spells
from .stays import is_allowed
from .versions import Procedures, Row, Version

_OPENINGS = ("created", "reopened", "restored")
_ENDINGS = ("completed", "cancelled", "deleted")


def duration_stats(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """One row per procedure, measure and period: first day of the month of the ending, or null.

    Only finished intervals; `open` counts the time that closed processes were open, by the start
    of the closing that holds. No row where nothing has ended.
    """
    zone = ZoneInfo(time_zone)
    procedure_of = {
        process["process_id"]: process["procedure"]
        for process in processes(versions, procedures, as_of=as_of)
    }
    ended: list[tuple[str, str, float, int]] = []
    lifecycles = business_lifecycle(versions, procedures, as_of=as_of)
    for row in lifecycles:
        for measure, ended_at in (
            ("resolution", "first_completed_at"),
            ("full_resolution", "last_completed_at"),
            ("first_assignment", "first_assigned_at"),
        ):
            for kind in ("", "business_"):
                length = row[f"{kind}{measure}_seconds"]
                if length is not None:
                    ended.append((row["process_id"], kind + measure, length, row[ended_at]))
    by_process = {row["process_id"]: row for row in lifecycles}
    for process in processes(versions, procedures, as_of=as_of):
        closed_at = process["completed_at"] or process["cancelled_at"]
        if closed_at is not None:
            process_id = process["process_id"]
            for measure in ("open", "business_open"):
                length = by_process[process_id][f"{measure}_seconds"]
                ended.append((process_id, measure, length, closed_at))
    groups: dict[tuple[str, str, date | None], list[int]] = defaultdict(list)
    for process_id, measure, length, ended_at in ended:
        month = local_day(ended_at, zone).replace(day=1)
        for period in (None, month):
            groups[procedure_of[process_id], measure, period].append(round(length * 1000))
    return [
        {
            "procedure": procedure,
            "measure": measure,
            "period": period,
            "n": len(lengths),
            "mean_seconds": mean_seconds(lengths),
            "p50_seconds": percentile_seconds(lengths, 0.5),
            "p75_seconds": percentile_seconds(lengths, 0.75),
            "p90_seconds": percentile_seconds(lengths, 0.9),
            "p95_seconds": percentile_seconds(lengths, 0.95),
        }
        for (procedure, measure, period), lengths in sorted(groups.items(), key=str)
    ]


def backlog_daily(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """Open processes per local day, procedure and state at the end of the day; only where any."""
    zone = ZoneInfo(time_zone)
    visits = state_visits(versions, procedures, as_of=as_of)
    rows: list[Row] = []
    for procedure, spells in open_spells(versions, procedures, as_of).items():
        for day in days(spells, as_of, zone):
            at = last_instant(day, as_of, zone)
            open_ids = {spell["process_id"] for spell in spells if contains(spell, at, "started")}
            states = Counter(
                visit["state"]
                for visit in visits
                if visit["process_id"] in open_ids and contains(visit, at, "entered")
            )
            rows += [
                {
                    "day": day,
                    "procedure": procedure,
                    "state": state,
                    "open_processes": states[state],
                }
                for state in sorted(states)
            ]
    return rows


def flow_daily(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """Openings and endings per procedure and local day, from the first to the day of `as_of`."""
    zone = ZoneInfo(time_zone)
    rows: list[Row] = []
    for procedure, spells in open_spells(versions, procedures, as_of).items():
        for day in days(spells, as_of, zone):
            events = Counter(
                spell[event]
                for spell in spells
                for event, at in (("opened_by", "started_at"), ("ended_by", "ended_at"))
                if spell[at] is not None and local_day(spell[at], zone) == day
            )
            at_start, at_end = (
                sum(contains(spell, instant, "started") for spell in spells)
                for instant in (midnight(day, zone) - 1, last_instant(day, as_of, zone))
            )
            rows.append(
                {"day": day, "procedure": procedure, "open_at_start": at_start}
                | {event: events[event] for event in (*_OPENINGS, *_ENDINGS)}
                | {"open_at_end": at_end}
            )
    return rows


def state_transitions(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per procedure and pair of states that followed each other; times spent in the first.

    Visits apart by a deletion do not follow each other.
    """
    lengths: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    movers: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    visits = state_visits(versions, procedures, as_of=as_of)
    for before, after in pairwise(visits):
        if before["process_id"] == after["process_id"] and not before["is_left_by_deletion"]:
            pair = (before["procedure"], before["state"], after["state"])
            lengths[pair].append(before["left_at"] - before["entered_at"])
            movers[pair].add(before["process_id"])
    return [
        {
            "procedure": procedure,
            "from_state": from_state,
            "to_state": to_state,
            "n": len(times),
            "processes": len(movers[procedure, from_state, to_state]),
            "is_allowed": is_allowed(procedures[procedure], from_state, to_state),
            "mean_seconds": mean_seconds(times),
            "p50_seconds": percentile_seconds(times, 0.5),
            "p90_seconds": percentile_seconds(times, 0.9),
        }
        for (procedure, from_state, to_state), times in sorted(lengths.items())
    ]


def variants(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per procedure and sequence of states, most frequent first, then by name.

    All processes that were ever in a state count, open and deleted ones too.
    """
    paths: dict[str, list[Row]] = defaultdict(list)
    for visit in state_visits(versions, procedures, as_of=as_of):
        paths[visit["process_id"]].append(visit)
    resolution = {
        row["process_id"]: row["resolution_seconds"]
        for row in process_lifecycle(versions, procedures, as_of=as_of)
    }
    groups: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for process_id, visits in paths.items():
        variant = " > ".join(v["state"] for v in visits if v["direction"] != "same")
        groups[visits[0]["procedure"]][variant].append(process_id)
    rows: list[Row] = []
    for procedure in sorted(groups):
        total = sum(len(members) for members in groups[procedure].values())
        so_far = 0
        for variant, members in sorted(
            groups[procedure].items(), key=lambda item: (-len(item[1]), item[0])
        ):
            so_far += len(members)
            resolved = [
                round(resolution[member] * 1000)
                for member in members
                if resolution[member] is not None
            ]
            rows.append(
                {
                    "procedure": procedure,
                    "variant": variant,
                    "n_steps": len(variant.split(" > ")),
                    "processes": len(members),
                    "share": len(members) / total,
                    "cumulative_share": so_far / total,
                    "p50_resolution_seconds": percentile_seconds(resolved, 0.5),
                }
            )
    return rows


def open_spells(
    versions: list[Version], procedures: Procedures, as_of: int
) -> dict[str, list[Row]]:
    """OPEN spells per procedure (sorted), each with the names of the events that bound it."""
    process_of = {
        process["process_id"]: process for process in processes(versions, procedures, as_of=as_of)
    }
    found: dict[str, list[Row]] = {}
    spells = status_spells(versions, as_of=as_of)
    for position, spell in enumerate(spells):
        if spell["status"] != "OPEN":
            continue
        process = process_of[spell["process_id"]]
        around = [
            spells[other] if 0 <= other < len(spells) else None
            for other in (position - 1, position + 1)
        ]
        before, after = (
            other if other is not None and other["process_id"] == spell["process_id"] else None
            for other in around
        )
        opened_by, ended_by = "restored", "deleted"
        if before is None and spell["started_at"] <= process["first_seen_at"]:
            opened_by = "created"
        elif before is not None and before["status"] != "OPEN":
            opened_by = "reopened"
        if after is not None and after["started_at"] == spell["ended_at"]:
            # OPEN directly after OPEN: deleted and restored within one millisecond.
            ended_by = "deleted" if after["status"] == "OPEN" else after["status"].lower()
        found.setdefault(process["procedure"], []).append(
            spell
            | {"procedure": process["procedure"], "opened_by": opened_by, "ended_by": ended_by}
        )
    return {procedure: found[procedure] for procedure in sorted(found)}
