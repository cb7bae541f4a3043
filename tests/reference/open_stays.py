"""Stays of open processes in one state with one assignee and one pod, and planned next actions."""

from __future__ import annotations

from itertools import pairwise

from .durations import seconds
from .marts import open_spells
from .versions import Procedures, Row, Version, histories, start

_KEPT = ("state", "assigned_to", "belongs_to")


def open_stays(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per stay, by process and order. The stays of a spell touch each other."""
    rows: list[Row] = []
    seen = histories(versions, as_of)
    for process_id, spells in _open_spells(versions, as_of).items():
        history = seen[process_id]
        stays: list[Row] = []
        for spell in spells:
            of_spell: list[tuple[int, Version]] = []
            for version in spell["shown"]:
                began_at = _seen_at(version, history)
                if spell["is_inferred"]:
                    began_at = spell["started_at"]
                if spell["ended_at"] is not None and began_at > spell["ended_at"]:
                    break
                if not of_spell or any(version[f] != of_spell[-1][1][f] for f in _KEPT):
                    of_spell.append((began_at, version))
            stays += _stays_of(spell, of_spell, procedures, as_of)
        rows += [stay | {"stay_no": number} for number, stay in enumerate(stays, start=1)]
    return rows


def _stays_of(
    spell: Row, starts: list[tuple[int, Version]], procedures: Procedures, as_of: int
) -> list[Row]:
    states = procedures[spell["procedure"]]["states"]
    stays: list[Row] = []
    for began_at, version in starts:
        (rank,) = [
            rank for rank, s in enumerate(states, start=1) if s["short_id"] == version["state"]
        ]
        stays.append(
            {
                "process_id": spell["process_id"],
                "procedure": spell["procedure"],
                "spell_no": spell["spell_no"],
                "state": version["state"],
                "state_kind": states[rank - 1]["kind"],
                "state_rank": rank,
                "assigned_to": version["assigned_to"],
                "pod_id": version["belongs_to"],
                "started_at": max(began_at, spell["started_at"]),
                "ended_at": spell["ended_at"],
                "began_by": spell["opened_by"],
                "ended_by": None if spell["ended_at"] is None else spell["ended_by"],
            }
        )
    for before, after in pairwise(stays):
        before["ended_at"] = after["started_at"]
        same_person = before["assigned_to"] == after["assigned_to"]
        before["ended_by"] = after["began_by"] = "moved" if same_person else "reassigned"
    for stay in stays:
        ended_at = as_of if stay["ended_at"] is None else stay["ended_at"]
        stay["is_current"] = stay["ended_at"] is None
        stay["seconds"] = seconds(ended_at - stay["started_at"])
    return stays


def follow_ups(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per planned next action of an open process, by process and order."""
    rows: list[Row] = []
    seen = histories(versions, as_of)
    for process_id, spells in _open_spells(versions, as_of).items():
        history = seen[process_id]
        number = 0
        for spell in spells:
            shown = spell["shown"]
            if spell["is_inferred"]:
                continue  # open before it was first seen: what was planned then is not known
            for position, version in enumerate(shown):
                before = shown[position - 1] if position else None
                planned = version["next_action_at"]
                if planned is None or (before is not None and before["next_action_at"] == planned):
                    continue
                set_at = _seen_at(version, history)
                if spell["ended_at"] is not None and set_at > spell["ended_at"]:
                    continue
                number += 1
                row = _follow_up(spell, shown[position:], history, set_at)
                rows.append(row | {"follow_up_no": number} | _outcome(row, as_of))
    return rows


def _follow_up(spell: Row, shown: list[Version], history: list[Version], set_at: int) -> Row:
    """What became of the plan in the first of the versions `shown` of an open spell."""
    due_at = shown[0]["next_action_at"]
    ends = [(spell["ended_at"], spell["ended_by"])] if spell["ended_at"] is not None else []
    removed_at = spell["ended_at"]
    answerable = shown[0]["assigned_to"]
    is_over = False
    for before, version in pairwise(shown):
        at = _seen_at(version, history)
        if spell["ended_at"] is not None and at > spell["ended_at"]:
            break
        has_moved = version["state"] != before["state"]
        if version["next_action_at"] != due_at:
            removed_at = at
            if version["next_action_at"] is None:
                found = "cleared"
            else:
                found = "state_changed" if has_moved else "rescheduled"
            if not is_over:
                ends.insert(0, (at, found))
            break
        if has_moved and not is_over:
            ends.insert(0, (at, "state_changed"))
            is_over = True
        if not is_over and at <= due_at:
            answerable = version["assigned_to"]
    ended_at, ended_by = ends[0] if ends else (None, None)
    return {
        "process_id": spell["process_id"],
        "procedure": spell["procedure"],
        "assigned_to": answerable,
        "set_at": set_at,
        "due_at": due_at,
        "ended_at": ended_at,
        "ended_by": ended_by,
        "removed_at": removed_at,
    }


def _outcome(row: Row, as_of: int) -> Row:
    is_late = row["due_at"] < (as_of if row["ended_at"] is None else row["ended_at"])
    outcome = "done_late" if is_late else "done_in_time"
    if row["ended_by"] is None:
        outcome = "overdue" if is_late else "open"
    elif row["ended_by"] == "rescheduled":
        outcome = "moved"
    elif row["ended_by"] in ("cancelled", "deleted", "moved_out"):
        outcome = row["ended_by"]
    return {"is_late": is_late, "outcome": outcome}


def _open_spells(versions: list[Version], as_of: int) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for spells in open_spells(versions, as_of).values():
        for spell in spells:
            found.setdefault(spell["process_id"], []).append(spell)
    return {
        process_id: sorted(spells, key=lambda spell: spell["spell_no"])
        for process_id, spells in sorted(found.items())
    }


def _seen_at(version: Version, history: list[Version]) -> int:
    return start(history) if version is history[0] else version["updated_at"]
