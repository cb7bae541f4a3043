"""What people held, did, handed on, and how they kept to what was planned.

Stays and follow-ups themselves are in `open_stays.py`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from .days import contains, days, days_with, last_instant, local_day, midnight
from .durations import percentile_seconds, seconds
from .history import process_lifecycle
from .marts import open_spells
from .open_stays import follow_ups, open_stays
from .sla import sla_clocks
from .stays import assignments
from .versions import Procedures, Row, Version, histories, start

_ACTIONS = (
    "opened",
    "moved_in",
    "received",
    "handed_on",
    "completed",
    "cancelled",
    "deleted",
    "moved_out",
    "reopened_after_completion",
)
_NAMES = {
    **dict.fromkeys(("created", "reopened", "restored"), "opened"),
    "moved_in": "moved_in",
    "reassigned": "received",
}


def assignee_daily(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """Per local day, procedure and assignee: held, overdue and done; only where there is any."""
    zone = ZoneInfo(time_zone)
    seen = histories(versions, as_of)
    stays = open_stays(versions, procedures, as_of=as_of)
    rows: list[Row] = []
    for procedure, spells in open_spells(versions, as_of).items():
        ends = [(last_instant(day, as_of, zone), day) for day in days(spells, as_of, zone)]
        instant_of = {day: at for at, day in ends}
        own = [stay for stay in stays if stay["procedure"] == procedure]
        figures: dict[tuple[date, str | None], Counter[str]] = defaultdict(Counter)
        for stay in own:
            for day in days_with(stay, ends):
                there = figures[day, stay["assigned_to"]]
                there["held"] += 1
                there["overdue"] += _is_overdue(seen[stay["process_id"]], instant_of[day])
        for of, person, action, at in _actions(stays):
            if of == procedure:
                figures[local_day(at, zone), person][action] += 1
        rows += [
            {"day": day, "procedure": procedure, "assigned_to": person}
            | {name: found[name] for name in ("held", "overdue", *_ACTIONS)}
            for (day, person), found in figures.items()
        ]
    return rows


def _actions(stays: list[Row]) -> list[tuple[str, str | None, str, int]]:
    """Procedure, person, action and instant; stays are in order of process and number."""
    found: list[tuple[str, str | None, str, int]] = []
    for stay in stays:
        who = stay["procedure"], stay["assigned_to"]
        if stay["began_by"] != "moved":
            found.append((*who, _NAMES[stay["began_by"]], stay["started_at"]))
        if stay["ended_by"] not in (None, "moved"):
            action = "handed_on" if stay["ended_by"] == "reassigned" else stay["ended_by"]
            found.append((*who, action, stay["ended_at"]))
    for before, after in pairwise(stays):
        if _is_undone(before, after):
            who = before["procedure"], before["assigned_to"]
            found.append((*who, "reopened_after_completion", after["started_at"]))
    return found


def _is_undone(stay: Row, after: Row | None) -> bool:
    """Whether a stay ended with a completion that the next one took back."""
    return (
        after is not None
        and stay["process_id"] == after["process_id"]
        and stay["ended_by"] == "completed"
        and after["began_by"] == "reopened"
    )


def _is_overdue(history: list[Version], at: int) -> bool:
    """Whether the plan that the record held at an instant had fallen due, the process being open."""
    known = [version for version in history if version["updated_at"] <= at] or history[:1]
    planned = known[-1]["next_action_at"]
    return known[-1]["status"] == "OPEN" and planned is not None and planned < at


def assignee_stats(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """Per procedure, assignee and period: a local month with something held or done, or null."""
    zone = ZoneInfo(time_zone)
    stays = open_stays(versions, procedures, as_of=as_of)
    seen = histories(versions, as_of)
    firsts = _first_completions(versions, procedures, stays, as_of)
    undone = {
        (stay["process_id"], stay["stay_no"])
        for stay, after in pairwise(stays)
        if _is_undone(stay, after)
    }
    clocks = [
        (row["procedure"], row["assigned_to"], row["stopped_at"], row["status"])
        for row in sla_clocks(versions, procedures, as_of=as_of)
    ]
    rows: list[Row] = []
    for procedure, spells in open_spells(versions, as_of).items():
        own = [stay for stay in stays if stay["procedure"] == procedure]
        actions = [found[1:] for found in _actions(stays) if found[0] == procedure]
        months = [days(spells, as_of, zone)[0].replace(day=1)]
        while _next_month(months[-1]) <= local_day(as_of, zone):
            months.append(_next_month(months[-1]))
        for period in (None, *months):
            begins = midnight(period or months[0], zone)
            next_begins = midnight(_next_month(period or months[-1]), zone)
            # At the end of the last month its very last instant is seen, too.
            ends, last = min(next_begins, as_of), min(next_begins - 1, as_of)
            done = Counter((who, what) for who, what, at in actions if begins <= at <= last)
            completed = sum(done[who, what] for who, what in done if what == "completed")
            for person in {stay["assigned_to"] for stay in own}:
                of_person = [stay for stay in own if stay["assigned_to"] == person]
                held = [stay for stay in of_person if contains(stay, last)]
                held_ms = sum(_overlap(stay, begins, ends) for stay in of_person)
                if not (held or held_ms or any(done[person, what] for what in _ACTIONS[:-1])):
                    continue
                keys = [
                    (stay["process_id"], stay["stay_no"])
                    for stay in of_person
                    if stay["ended_by"] == "completed" and begins <= stay["ended_at"] <= last
                ]
                resolved = [firsts[key] for key in keys if key in firsts]
                n_undone = sum(key in undone for key in keys)
                decided = Counter(
                    status
                    for of, who, at, status in clocks
                    if (of, who) == (procedure, person)
                    and (period is None or (at is not None and begins <= at < next_begins))
                )
                n_decided = decided["met"] + decided["breached"]
                rows.append(
                    {"procedure": procedure, "assigned_to": person, "period": period}
                    | {what: done[person, what] for what in _ACTIONS[:-1]}
                    | {
                        "held_seconds": seconds(held_ms),
                        "held": len(held),
                        "overdue": sum(_is_overdue(seen[s["process_id"]], last) for s in held),
                        "share_of_completed": len(keys) / completed if completed else None,
                        "p50_resolution_seconds": percentile_seconds(resolved, 0.5),
                        "p90_resolution_seconds": percentile_seconds(resolved, 0.9),
                        "completed_then_reopened": n_undone,
                        "share_reopened": n_undone / len(keys) if keys else None,
                        "sla_met": decided["met"],
                        "sla_breached": decided["breached"],
                        "share_sla_met": decided["met"] / n_decided if n_decided else None,
                    }
                )
    return rows


def _first_completions(
    versions: list[Version], procedures: Procedures, stays: list[Row], as_of: int
) -> dict[tuple[str, int], int]:
    """Milliseconds to the first completion of a process, by the stay that it ended."""
    first: dict[str, Row] = {}
    for stay in stays:
        if stay["ended_by"] == "completed":
            first.setdefault(stay["process_id"], stay)
    seen = histories(versions, as_of)
    return {
        (process_id, stay["stay_no"]): stay["ended_at"] - start(seen[process_id])
        for row in process_lifecycle(versions, procedures, as_of=as_of)
        for process_id in [row["process_id"]]
        for stay in [first.get(process_id)]
        if stay is not None and stay["ended_at"] == row["first_completed_at"]
    }


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _overlap(stay: Row, begins: int, ends: int) -> int:
    until = ends if stay["ended_at"] is None else min(stay["ended_at"], ends)
    return max(until - max(stay["started_at"], begins), 0)


def handoffs(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """Per procedure and pair of people: hand-offs from one to the other, and time held before."""
    held_before: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    movers: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    holder: str | None = None
    process_id, held_ms = "", 0
    for stay in assignments(versions, as_of=as_of):
        if stay["process_id"] != process_id:
            process_id, holder, held_ms = stay["process_id"], None, 0
        person = stay["assigned_to"]
        if person is None:
            continue
        if holder is not None and person != holder:
            key = (stay["procedure"], holder, person)
            held_before[key].append(held_ms)
            movers[key].add(process_id)
            held_ms = 0
        holder = person
        held_ms += 0 if stay["ended_at"] is None else stay["ended_at"] - stay["started_at"]
    return [
        {
            "procedure": key[0],
            "from_assignee": key[1],
            "to_assignee": key[2],
            "n": len(lengths),
            "processes": len(movers[key]),
            "p50_held_seconds": percentile_seconds(lengths, 0.5),
            "p90_held_seconds": percentile_seconds(lengths, 0.9),
        }
        for key, lengths in held_before.items()
    ]


def follow_up_stats(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """Per procedure and assignee: what became of the follow-ups they were answerable for."""
    groups: dict[tuple[str, str | None], list[Row]] = defaultdict(list)
    for row in follow_ups(versions, procedures, as_of=as_of):
        groups[row["procedure"], row["assigned_to"]].append(row)
    rows: list[Row] = []
    for (procedure, person), own in groups.items():
        outcomes = [row["outcome"] for row in own]
        late = sum(row["is_late"] for row in own)
        decided = outcomes.count("done_in_time") + late
        rows.append(
            {"procedure": procedure, "assigned_to": person, "n": len(own), "late": late}
            | {
                name: outcomes.count(name)
                for name in (
                    "done_in_time",
                    "done_late",
                    "moved",
                    "cancelled",
                    "deleted",
                    "moved_out",
                    "open",
                    "overdue",
                )
            }
            | {"share_in_time": outcomes.count("done_in_time") / decided if decided else None}
        )
    return rows
