"""One row per process: its values at an instant, and what happened to it until then."""

from __future__ import annotations

from itertools import pairwise

from .durations import seconds
from .stays import assignments, spells_of, state_visits, status_spells
from .versions import (
    Procedures,
    Row,
    Version,
    content,
    created_at,
    deleted_at,
    drop_duplicates,
    histories,
    outcome,
    start,
)

__all__ = [
    "assignments",
    "drop_duplicates",
    "process_lifecycle",
    "processes",
    "state_visits",
    "status_spells",
]


def processes(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per process as at `as_of`: the latest version, with closing times from the spells."""
    rows: list[Row] = []
    for process_id, history in histories(versions, as_of).items():
        latest = history[-1]
        # A closed process that changes its procedure is not closed anew.
        closings = [s.started_at for s in spells_of(history) if _is_closing(s.status, s.began_by)]
        (state,) = [
            state
            for state in procedures[latest["procedure"]]["states"]
            if state["short_id"] == latest["state"]
        ]
        closed_at = {
            result: closings[-1] if outcome(history) == result else None
            for result in ("completed", "cancelled")
        }
        rows.append(
            {
                "process_id": process_id,
                "team_id": latest["team_id"],
                "procedure": latest["procedure"],
                "record_id": latest["record"],
                "entity_id": latest["entity"],
                "pod_id": latest["belongs_to"],
                "created_by": latest["created_by"],
                "assigned_to": latest["assigned_to"],
                "status": latest["status"],
                "state": latest["state"],
                "state_name": state["name"],
                "state_kind": state["kind"],
                "outcome": outcome(history),
                "created_at": created_at(history),
                "updated_at": latest["updated_at"],
                "completed_at": closed_at["completed"],
                "cancelled_at": closed_at["cancelled"],
                "deleted_at": deleted_at(history),
                "next_action_at": latest["next_action_at"],
                "first_assigned_to": latest["first_assigned_to"],
                "first_assigned_at": _first_assigned(history)[0],
                "last_assigned_at": latest["last_assigned_at"],
                "primary_booking_id": latest["primary_booking"],
                "parent_procedure": latest["parent_procedure"],
                "parent_process_id": latest["parent_process"],
                "first_seen_at": history[0]["updated_at"],
                "n_versions": len(history),
            }
        )
    return rows


def process_lifecycle(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per process with its lifecycle figures. Running clocks end at `as_of`.

    `resolution_seconds` and `first_assignment_seconds` are null until it happens,
    `full_resolution_seconds` unless completed now, `age_seconds` unless open now.
    """
    visits = _by_process(state_visits(versions, procedures, as_of=as_of))
    spells = _by_process(status_spells(versions, as_of=as_of))
    held = _by_process(assignments(versions, as_of=as_of))
    rows: list[Row] = []
    for process_id, history in histories(versions, as_of).items():
        rows.append(
            {"process_id": process_id}
            | _closings(history, spells.get(process_id, []), as_of)
            | _movements(visits.get(process_id, []), spells.get(process_id, []), as_of)
            | _ownership(history, held.get(process_id, []), spells.get(process_id, []), as_of)
            | _next_action(history, as_of)
            | {"last_changed_at": _last_changed_at(history)}
        )
    return rows


def _closings(history: list[Version], spells: list[Row], as_of: int) -> Row:
    completions = [
        spell["started_at"]
        for spell in spells
        if spell["status"] == "COMPLETED" and _is_closing(spell["status"], spell["began_by"])
    ]
    reopens = 0
    for before, after in pairwise(spells):
        if before["status"] != "OPEN" and after["status"] == "OPEN":
            reopens += 1
    now = outcome(history)
    first, last = (completions[0], completions[-1]) if completions else (None, None)
    return {
        "first_completed_at": first,
        "last_completed_at": last,
        "n_completions": len(completions),
        "n_reopens": reopens,
        "is_reopened": now == "open" and any(spell["status"] != "OPEN" for spell in spells),
        "resolution_seconds": None if first is None else seconds(first - start(history)),
        "full_resolution_seconds": (
            seconds(last - start(history)) if last is not None and now == "completed" else None
        ),
        "open_seconds": seconds(
            sum(
                _overlap(spell["started_at"], spell["ended_at"], spell, as_of)
                for spell in spells
                if spell["status"] == "OPEN"
            )
        ),
        "age_seconds": seconds(as_of - start(history)) if now == "open" else None,
    }


def _movements(visits: list[Row], spells: list[Row], as_of: int) -> Row:
    row: Row = {}
    for kind in ("queue", "work", "waiting_customer", "waiting_other", "done"):
        milliseconds = 0
        for visit in visits:
            for spell in spells:
                if visit["state_kind"] == kind and spell["status"] == "OPEN":
                    milliseconds += _overlap(visit["entered_at"], visit["left_at"], spell, as_of)
        row[f"{kind}_seconds"] = seconds(milliseconds)
    running = [visit["seconds"] for visit in visits if visit["is_current"]]
    done_exits = 0
    for before, after in pairwise(visits):
        if before["procedure"] == after["procedure"]:
            done_exits += before["state_kind"] == "done" and after["state_kind"] != "done"
    return row | {
        "seconds_in_state": running[0] if running else None,
        "n_visits": len(visits),
        "n_states": len({(visit["procedure"], visit["state"]) for visit in visits}),
        "n_backward": sum(visit["direction"] == "backward" for visit in visits),
        "n_not_allowed": sum(visit["is_allowed"] is False for visit in visits),
        "n_reentries": sum(
            visit["n_previous_visits"] > 0 and visit["direction"] != "same" for visit in visits
        ),
        "n_done_exits": done_exits,
    }


def _ownership(history: list[Version], held: list[Row], spells: list[Row], as_of: int) -> Row:
    people = [stay["assigned_to"] for stay in held if stay["assigned_to"] is not None]
    moves: list[str] = []
    for person in people:
        if not moves or moves[-1] != person:
            moves.append(person)
    unassigned = 0
    for stay in held:
        for spell in spells:
            if stay["assigned_to"] is None and spell["status"] == "OPEN":
                unassigned += _overlap(stay["started_at"], stay["ended_at"], spell, as_of)
    first_at, source = _first_assigned(history)
    return {
        "first_assigned_at": first_at,
        "first_assignment_seconds": None
        if first_at is None
        else seconds(first_at - start(history)),
        "first_assignment_source": source,
        "n_assignments": len(people),
        "n_assignees": len(set(people)),
        "n_handoffs": max(len(moves) - 1, 0),
        "n_ping_pongs": sum(a == c for a, c in zip(moves, moves[2:], strict=False)),
        "unassigned_seconds": seconds(unassigned),
    }


def _first_assigned(history: list[Version]) -> tuple[int | None, str | None]:
    """When the process first had an assignee, and whether the record or the versions say so."""
    supplied = history[-1]["first_assigned_at"]
    if supplied is not None and start(history) <= supplied <= history[-1]["updated_at"]:
        return supplied, "record"
    for position, version in enumerate(history):
        if version["assigned_to"] is not None and not version["is_deleted"]:
            return start(history) if position == 0 else version["updated_at"], "observed"
    return None, None


def _next_action(history: list[Version], as_of: int) -> Row:
    planned = history[-1]["next_action_at"]
    overdue = None
    if planned is not None and planned < as_of and outcome(history) == "open":
        overdue = seconds(as_of - planned)
    moves = 0
    for before, after in pairwise(history):
        plans = [before["next_action_at"], after["next_action_at"]]
        alive = not before["is_deleted"] and not after["is_deleted"]
        if alive and None not in plans and plans[0] != plans[1]:
            moves += 1
    return {
        "next_action_at": planned,
        "is_overdue": overdue is not None,
        "overdue_seconds": overdue,
        "n_next_action_moves": moves,
    }


def _last_changed_at(history: list[Version]) -> int:
    fields = ("procedure", "state", "status", "assigned_to", "is_deleted", "data")
    changed_at = history[0]["updated_at"]
    for before, after in pairwise(history):
        # Compared as text, so that a score going from 1 to True is a change.
        if content({f: before[f] for f in fields}) != content({f: after[f] for f in fields}):
            changed_at = after["updated_at"]
    return changed_at


def _is_closing(status: str, began_by: str) -> bool:
    return status != "OPEN" and began_by != "moved_in"


def _overlap(started_at: int, ended_at: int | None, spell: Row, as_of: int) -> int:
    """Milliseconds of `[started_at, ended_at)` inside the spell; what runs ends at `as_of`."""
    ends = [as_of if end is None else end for end in (ended_at, spell["ended_at"])]
    return max(min(ends) - max(started_at, spell["started_at"]), 0)


def _by_process(rows: list[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["process_id"], []).append(row)
    return grouped
