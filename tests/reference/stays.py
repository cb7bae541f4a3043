"""Stays of a process in a state, in a status and with an assignee, and changes of its procedure.

Instants are epoch milliseconds, durations seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .durations import seconds
from .versions import Procedures, Row, Run, Version, created_at, histories, runs


def state_visits(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per stay in a state, by process and order. A running visit is counted to `as_of`.

    `state_rank` counts from 1 in the order of the definition. Visits are compared with the one
    before only within a procedure.
    """
    rows: list[Row] = []
    for process_id, history in histories(versions, as_of).items():
        visits: list[Row] = []
        for run in runs(history, "state"):
            procedure = procedures[run.first["procedure"]]
            ranks = {
                state["short_id"]: rank for rank, state in enumerate(procedure["states"], start=1)
            }
            state = procedure["states"][ranks[run.first["state"]] - 1]
            entered_at = run.began_at(history)
            visit = {
                "process_id": process_id,
                "procedure": run.first["procedure"],
                "visit_no": len(visits) + 1,
                "state": state["short_id"],
                "state_name": state["name"],
                "state_kind": state["kind"],
                "state_rank": ranks[state["short_id"]],
                "entered_at": entered_at,
                "left_at": run.ended_at,
                "is_current": run.ended_at is None,
                "seconds": _length(entered_at, run.ended_at, as_of),
                "previous_state": None,
                "next_state": None,
                "direction": "start",
                "is_allowed": None,
                "n_previous_visits": 0,
                "assigned_to": run.first["assigned_to"],
                "entered_source": _entered_source(run, history),
                "is_left_by_deletion": run.ended_by_deletion,
                "is_left_by_procedure_change": run.ended_by_procedure_change,
            }
            for earlier in visits:
                if all(earlier[name] == visit[name] for name in ("procedure", "state")):
                    visit["n_previous_visits"] += 1
            if visits and visits[-1]["procedure"] == visit["procedure"]:
                previous = visits[-1]
                previous["next_state"] = visit["state"]
                visit["previous_state"] = previous["state"]
                visit["direction"] = _direction(previous["state_rank"], visit["state_rank"])
                visit["is_allowed"] = is_allowed(procedure, previous["state"], visit["state"])
            visits.append(visit)
        rows += visits
    return rows


def is_allowed(procedure: dict[str, Any], from_state: str, to_state: str) -> bool | None:
    """Whether the stategraph has the edge; all edges without one; null for staying in the state."""
    if from_state == to_state:
        return None
    if procedure["stategraph"] is None:
        return True
    return to_state in procedure["stategraph"].get(from_state, [])


def procedure_changes(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per version with another procedure than the one before, by process and order."""
    rows: list[Row] = []
    for process_id, history in histories(versions, as_of).items():
        changes = [
            (before, after)
            for before, after in pairwise(history)
            if before["procedure"] != after["procedure"]
        ]
        rows += [
            {
                "process_id": process_id,
                "change_no": number,
                "from_procedure": before["procedure"],
                "to_procedure": after["procedure"],
                "from_state": before["state"],
                "to_state": after["state"],
                "changed_at": after["updated_at"],
                "is_deleted": after["is_deleted"],
            }
            for number, (before, after) in enumerate(changes, start=1)
        ]
    return rows


@dataclass
class Spell:
    """A stay in a status with the versions that show it; those of an opening that is inferred are
    the first closed one.
    """

    procedure: str
    status: str
    shown: list[Version]
    began_by: str
    started_at: int
    ended_at: int | None = None
    ended_by: str | None = None


def spells_of(history: list[Version]) -> list[Spell]:
    """The spells of one process in order.

    A completion or cancellation starts at its own time when that is believable. A process that is
    first seen closed was open from its start to then, one that arrives closed in another procedure
    for an instant there. Nothing starts while a process is deleted.
    """
    spells: list[Spell] = []
    previous: Run | None = None
    for run in runs(history, "status"):
        status, procedure = run.first["status"], run.first["procedure"]
        follows = previous if previous is not None and not previous.ended_by_deletion else None
        is_restored = follows is None and not run.is_from_first_version
        is_continued = follows is not None and follows.first["status"] == status
        started_at = run.began_at(history)
        if status == "OPEN":
            began_by = "reopened" if spells and spells[-1].status != "OPEN" else "created"
            if began_by == "created" and not run.is_from_first_version:
                began_by = "restored" if is_restored else "moved_in"
        else:
            began_by = "restored" if is_restored else status.lower()
            began_by = "moved_in" if is_continued else began_by
            if not is_restored and not is_continued:
                closed_at = _closed_at(run.first, history, spells)
                if follows is None:
                    spells.append(Spell(procedure, "OPEN", [run.first], "created", started_at))
                elif follows.first["status"] == "OPEN" and follows.first["procedure"] != procedure:
                    spells[-1].ended_at, spells[-1].ended_by = closed_at, "moved_out"
                    spells.append(Spell(procedure, "OPEN", [run.first], "moved_in", closed_at))
                started_at = closed_at
        if spells and not is_restored and spells[-1].ended_at is None:
            ended_by = "moved_out" if is_continued else status.lower()
            spells[-1].ended_at, spells[-1].ended_by = started_at, ended_by
        spells.append(Spell(procedure, status, run.members, began_by, started_at))
        if run.ended_by_deletion:
            spells[-1].ended_at, spells[-1].ended_by = run.ended_at, "deleted"
        previous = run
    return spells


def status_spells(versions: list[Version], *, as_of: int) -> list[Row]:
    """One row per stay in a status, by process and order."""
    return [
        {
            "process_id": process_id,
            "procedure": spell.procedure,
            "spell_no": number,
            "status": spell.status,
            "started_at": spell.started_at,
            "ended_at": spell.ended_at,
            "is_current": spell.ended_at is None,
            "seconds": _length(spell.started_at, spell.ended_at, as_of),
            "began_by": spell.began_by,
        }
        for process_id, history in histories(versions, as_of).items()
        for number, spell in enumerate(spells_of(history), start=1)
    ]


def assignments(versions: list[Version], *, as_of: int) -> list[Row]:
    """One row per stay with an assignee, by process and order; null counts as an assignee.

    `state` is the state at the start of the stay.
    """
    rows: list[Row] = []
    for process_id, history in histories(versions, as_of).items():
        for number, run in enumerate(runs(history, "assigned_to"), start=1):
            started_at = run.began_at(history)
            rows.append(
                {
                    "process_id": process_id,
                    "procedure": run.first["procedure"],
                    "assignment_no": number,
                    "assigned_to": run.first["assigned_to"],
                    "started_at": started_at,
                    "ended_at": run.ended_at,
                    "is_current": run.ended_at is None,
                    "seconds": _length(started_at, run.ended_at, as_of),
                    "state": run.first["state"],
                }
            )
    return rows


def _entered_source(run: Run, history: list[Version]) -> str:
    if not run.is_from_first_version:
        return "observed"
    return "created" if run.first["updated_at"] == created_at(history) else "inferred"


def _direction(previous_rank: int, rank: int) -> str:
    if rank == previous_rank:
        return "same"
    return "forward" if rank > previous_rank else "backward"


def _closed_at(version: Version, history: list[Version], spells: list[Spell]) -> int:
    """When the closing that `version` first shows took place."""
    supplied = version[
        {"COMPLETED": "completed_at", "CANCELLED": "cancelled_at"}[version["status"]]
    ]
    if supplied is None or not created_at(history) <= supplied <= version["updated_at"]:
        return version["updated_at"]
    if spells and supplied < spells[-1].started_at:
        return version["updated_at"]
    return supplied


def _length(started_at: int, ended_at: int | None, as_of: int) -> float:
    return seconds((as_of if ended_at is None else ended_at) - started_at)
