"""What people held, did, handed on, and how they kept to what was planned.

Stays and follow-ups themselves are in `open_stays.py`.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from .days import contains, days, last_instant, local_day, midnight
from .durations import percentile_seconds, seconds
from .history import process_lifecycle
from .marts import open_spells
from .open_stays import follow_ups, open_stays
from .stays import assignments
from .versions import Procedures, Row, Version, histories, start

_OPENINGS = ("created", "reopened", "restored")


def assignee_daily(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """Per local day, procedure and assignee: held, overdue and done; only where there is any."""
    zone = ZoneInfo(time_zone)
    seen = histories(versions, as_of)
    stays = open_stays(versions, procedures, as_of=as_of)
    rows: list[Row] = []
    for procedure, spells in open_spells(versions, procedures, as_of).items():
        own = [stay for stay in stays if stay["procedure"] == procedure]
        for day in days(spells, as_of, zone):
            at = last_instant(day, as_of, zone)
            for person in {stay["assigned_to"] for stay in own}:
                held = [s for s in own if s["assigned_to"] == person and contains(s, at)]
                done = _done(own, person, midnight(day, zone), at)
                overdue = sum(_is_overdue(seen[stay["process_id"]], at) for stay in held)
                if held or any(done.values()):
                    rows.append(
                        {"day": day, "procedure": procedure, "assigned_to": person}
                        | {"held": len(held), "overdue": overdue}
                        | done
                    )
    return rows


def _done(stays: list[Row], person: str | None, first: int, last: int) -> dict[str, int]:
    """What a person did from instant `first` to `last`, both included."""
    own = [stay for stay in stays if stay["assigned_to"] == person]
    began = [s["began_by"] for s in own if first <= s["started_at"] <= last]
    ended = [
        s["ended_by"] for s in own if s["ended_at"] is not None and first <= s["ended_at"] <= last
    ]
    undone = 0
    for before, after in pairwise(stays):
        undone += (
            before["process_id"] == after["process_id"]
            and before["assigned_to"] == person
            and before["ended_by"] == "completed"
            and after["began_by"] == "reopened"
            and first <= after["started_at"] <= last
        )
    return {
        "opened": sum(began.count(event) for event in _OPENINGS),
        "received": began.count("reassigned"),
        "handed_on": ended.count("reassigned"),
        "completed": ended.count("completed"),
        "cancelled": ended.count("cancelled"),
        "deleted": ended.count("deleted"),
        "reopened_after_completion": undone,
    }


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
    seen = histories(versions, as_of)
    stays = open_stays(versions, procedures, as_of=as_of)
    firsts = _first_completions(versions, procedures, stays, as_of)
    rows: list[Row] = []
    for procedure, spells in open_spells(versions, procedures, as_of).items():
        own = [stay for stay in stays if stay["procedure"] == procedure]
        first_day = days(spells, as_of, zone)[0]
        months = [first_day.replace(day=1)]
        while _next_month(months[-1]) <= local_day(as_of, zone):
            months.append(_next_month(months[-1]))
        for period in (None, *months):
            begins = midnight(period or months[0], zone)
            next_begins = midnight(_next_month(period or months[-1]), zone)
            ends, last = min(next_begins, as_of), min(next_begins - 1, as_of)
            completed = sum(
                stay["ended_by"] == "completed" and begins <= stay["ended_at"] <= last
                for stay in own
            )
            for person in {stay["assigned_to"] for stay in own}:
                of_person = [stay for stay in own if stay["assigned_to"] == person]
                held = [stay for stay in of_person if contains(stay, last)]
                held_ms = sum(_overlap(stay, begins, ends) for stay in of_person)
                is_active = any(
                    stay[at] is not None and begins <= stay[at] <= last
                    for stay in of_person
                    for at in ("started_at", "ended_at")
                )
                if not (held or held_ms or is_active):
                    continue
                done = _done(own, person, begins, last)
                del done["reopened_after_completion"]
                ended = [
                    (stay, after)
                    for stay, after in zip(own, [*own[1:], None], strict=True)
                    if stay["assigned_to"] == person
                    and stay["ended_by"] == "completed"
                    and begins <= stay["ended_at"] <= last
                ]
                undone = sum(
                    after is not None
                    and after["process_id"] == stay["process_id"]
                    and after["began_by"] == "reopened"
                    for stay, after in ended
                )
                resolved = [
                    firsts[stay["process_id"], stay["stay_no"]]
                    for stay, _ in ended
                    if (stay["process_id"], stay["stay_no"]) in firsts
                ]
                rows.append(
                    {"procedure": procedure, "assigned_to": person, "period": period}
                    | {
                        "held_seconds": seconds(held_ms),
                        "held": len(held),
                        "overdue": sum(_is_overdue(seen[s["process_id"]], last) for s in held),
                        "share_of_completed": len(ended) / completed if completed else None,
                        "p50_resolution_seconds": percentile_seconds(resolved, 0.5),
                        "p90_resolution_seconds": percentile_seconds(resolved, 0.9),
                        "completed_then_reopened": undone,
                        "share_reopened": undone / len(ended) if ended else None,
                    }
                    | done
                )
    return rows


def _first_completions(
    versions: list[Version], procedures: Procedures, stays: list[Row], as_of: int
) -> dict[tuple[str, int], int]:
    """Milliseconds to the first completion of a process, by the stay that it ended."""
    found: dict[tuple[str, int], int] = {}
    seen = histories(versions, as_of)
    for row in process_lifecycle(versions, procedures, as_of=as_of):
        process_id = row["process_id"]
        ended = [
            stay
            for stay in stays
            if stay["process_id"] == process_id and stay["ended_by"] == "completed"
        ]
        if ended and ended[0]["ended_at"] == row["first_completed_at"]:
            found[process_id, ended[0]["stay_no"]] = ended[0]["ended_at"] - start(seen[process_id])
    return found


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _overlap(stay: Row, begins: int, ends: int) -> int:
    until = ends if stay["ended_at"] is None else min(stay["ended_at"], ends)
    return max(until - max(stay["started_at"], begins), 0)


def handoffs(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """Per procedure and pair of people: hand-offs from one to the other, and time held before."""
    held_before: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    movers: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    seen = histories(versions, as_of)
    holder: str | None = None
    process_id, held_ms = "", 0
    for stay in assignments(versions, as_of=as_of):
        if stay["process_id"] != process_id:
            process_id, holder, held_ms = stay["process_id"], None, 0
        person = stay["assigned_to"]
        if person is None:
            continue
        if holder is not None and person != holder:
            key = (seen[process_id][0]["procedure"], holder, person)
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
                    "open",
                    "overdue",
                )
            }
            | {"share_in_time": outcomes.count("done_in_time") / decided if decided else None}
        )
    return rows
