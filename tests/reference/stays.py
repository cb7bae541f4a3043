"""Stays of a process in a state, in a status and with an assignee.

Instants are epoch milliseconds, durations seconds. Working time and figures per process do not
belong here.
"""

from __future__ import annotations

from typing import Any

from .durations import seconds
from .versions import Procedures, Row, Run, Version, created_at, histories, runs


def state_visits(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per stay in a state, by process and order. A running visit is counted to `as_of`.

    `state_rank` counts from 1 in the order of the definition.
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
            }
            for earlier in visits:
                if earlier["state"] == visit["state"]:
                    visit["n_previous_visits"] += 1
            if visits:
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


def status_spells(versions: list[Version], *, as_of: int) -> list[Row]:
    """One row per stay in a status, by process and order.

    A completion or cancellation starts at its own time when that is believable. A process that is
    first seen completed was open from its start to then. Nothing starts while a process is deleted.
    """
    rows: list[Row] = []
    for process_id, history in histories(versions, as_of).items():
        spells: list[Row] = []
        previous: Run | None = None
        for run in runs(history, "status"):
            started_at = run.began_at(history)
            after_deletion = not run.is_from_first_version and (
                previous is None or previous.ended_by_deletion
            )
            if run.first["status"] != "OPEN" and not after_deletion:
                closed_at = _closed_at(run.first, history, spells)
                if run.is_from_first_version and closed_at > started_at:
                    spells.append(_spell(process_id, 1, "OPEN", started_at, closed_at))
                started_at = closed_at
            if previous is not None and not previous.ended_by_deletion:
                spells[-1]["ended_at"] = started_at
            spells.append(
                _spell(process_id, len(spells) + 1, run.first["status"], started_at, run.ended_at)
            )
            previous = run
        for spell in spells:
            spell["is_current"] = spell["ended_at"] is None
            spell["seconds"] = _length(spell["started_at"], spell["ended_at"], as_of)
        rows += spells
    return rows


def assignments(versions: list[Version], *, as_of: int) -> list[Row]:
    """One row per stay with an assignee, by process and order; null is an assignee of its own.

    `state` is the state at the start of the stay.
    """
    rows: list[Row] = []
    for process_id, history in histories(versions, as_of).items():
        for number, run in enumerate(runs(history, "assigned_to"), start=1):
            started_at = run.began_at(history)
            rows.append(
                {
                    "process_id": process_id,
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


def _closed_at(version: Version, history: list[Version], spells: list[Row]) -> int:
    """When the closing that `version` first shows took place."""
    supplied = version[
        {"COMPLETED": "completed_at", "CANCELLED": "cancelled_at"}[version["status"]]
    ]
    if supplied is None or not created_at(history) <= supplied <= version["updated_at"]:
        return version["updated_at"]
    if spells and supplied < spells[-1]["started_at"]:
        return version["updated_at"]
    return supplied


def _spell(
    process_id: str, spell_no: int, status: str, started_at: int, ended_at: int | None
) -> Row:
    return {
        "process_id": process_id,
        "spell_no": spell_no,
        "status": status,
        "started_at": started_at,
        "ended_at": ended_at,
        "is_current": None,
        "seconds": None,
    }


def _length(started_at: int, ended_at: int | None, as_of: int) -> float:
    return seconds((as_of if ended_at is None else ended_at) - started_at)
