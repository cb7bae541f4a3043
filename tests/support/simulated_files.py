"""Simulated landing files read back line by line, and histories worked out the slow way.

Plain Python only, so that nothing is shared with the code under test. Tests do not belong here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

from schemas.definitions.procedure import Procedure

EARLIEST_MS = 946_684_800_000
LATEST_MS = 4_102_444_800_000

Record = dict[str, Any]
Tallies = dict[str, dict[str, int]]
Visit = tuple[str, str, int, str, int, int | None]


def read_landing(landing: Path, procedures: dict[str, Procedure]) -> tuple[list[Record], Tallies]:
    """Accepted records in ingest order, and what became of the lines of each file."""
    records: list[Record] = []
    tallies: dict[str, dict[str, int]] = {}
    seen: set[str] = set()
    for path in sorted(landing.iterdir()):
        tally = {"lines": 0, "accepted": 0, "duplicates": 0, "quarantined": 0, "blank": 0}
        for line in path.read_text(encoding="utf-8").removesuffix("\n").split("\n"):
            tally["lines"] += 1
            if not line:
                tally["blank"] += 1
            elif line in seen:
                tally["duplicates"] += 1
            elif (record := _accepted(line, procedures)) is None:
                tally["quarantined"] += 1
            else:
                seen.add(line)
                tally["accepted"] += 1
                records.append(record)
        tallies[path.name] = tally
    return records, tallies


def _accepted(line: str, procedures: dict[str, Procedure]) -> Record | None:
    """The record with its procedure and state by shortId, or None if it must be rejected."""
    try:
        record = json.loads(line)
        UUID(record["id"])
        procedure = procedures[record["procedure"]]
        states = {str(state.id): state.short_id for state in procedure.states}
        states |= {state.short_id: state.short_id for state in procedure.states}
        instants = (record["createdAt"], record["updatedAt"])
        state = states[record["state"]]
    except (ValueError, KeyError, TypeError):
        return None
    in_range = all(EARLIEST_MS <= instant < LATEST_MS for instant in instants)
    if record["status"] not in {"OPEN", "COMPLETED", "CANCELLED"} or not in_range:
        return None
    return record | {"procedure": procedure.short_id, "state": state}


def by_process(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Versions of each process by (updatedAt, ingest order): the sort keeps the order of ties."""
    histories: dict[str, list[Record]] = {}
    for record in records:
        histories.setdefault(record["id"], []).append(record)
    return {key: sorted(versions, key=_updated) for key, versions in histories.items()}


def _updated(record: Record) -> int:
    return record["updatedAt"]


def value_of(record: Record, procedures: dict[str, Procedure], short_id: str) -> Any:
    """A value of `data`, keyed either way."""
    for procedure in procedures.values():
        for attribute in procedure.attributes:
            if attribute.short_id == short_id and str(attribute.id) in record["data"]:
                return record["data"][str(attribute.id)]
    return record["data"].get(short_id)


def naive_visits(records: Iterable[Record]) -> list[Visit]:
    """`process, procedure, visit_no, state, entered_at, left_at`: runs in one state, undeleted."""
    expected: list[Visit] = []
    for process, versions in by_process(records).items():
        visits: list[list[Any]] = []
        is_running = False
        for version in versions:
            goes_on = is_running and not version["isDeleted"] and version["state"] == visits[-1][0]
            if is_running and not goes_on:
                visits[-1][2] = version["updatedAt"]
            if not version["isDeleted"] and not goes_on:
                start = version["updatedAt"] if visits else version["createdAt"]
                visits.append([version["state"], start, None])
            is_running = not version["isDeleted"]
        expected += [
            (process, versions[0]["procedure"], number, *visit)
            for number, visit in enumerate(visits, start=1)
        ]
    return expected


def naive_outcome(versions: list[Record]) -> dict[str, Any]:
    last = versions[-1]
    spells = _spells(versions)
    completions = [start for status, start in spells if status == "COMPLETED"]
    deletions = [
        after["isDeleted"]
        for before, after in pairwise(versions)
        if before["isDeleted"] != after["isDeleted"]
    ]
    outcome = {"OPEN": "open", "COMPLETED": "completed", "CANCELLED": "cancelled"}[last["status"]]
    return {
        "procedure": last["procedure"],
        "outcome": "deleted" if last["isDeleted"] else outcome,
        "created_at": last["createdAt"],
        "first_seen_at": versions[0]["updatedAt"],
        "first_completed_at": completions[0] if completions else None,
        "last_completed_at": completions[-1] if completions else None,
        "n_versions": len(versions),
        "n_completions": len(completions),
        "n_cancellations": sum(status == "CANCELLED" for status, _ in spells),
        "n_reopens": sum(
            before[0] != "OPEN" and after[0] == "OPEN" for before, after in pairwise(spells)
        ),
        "n_deletions": sum(deletions),
        "n_restores": len(deletions) - sum(deletions),
    }


def _spells(versions: list[Record]) -> list[tuple[str, int]]:
    """Status and start of each run of one status while not deleted."""
    spells: list[tuple[str, int]] = []
    running: str | None = None
    for version in versions:
        status, at = version["status"], version["updatedAt"]
        if version["isDeleted"]:
            running = None
            continue
        if status != running:
            stamp = {"COMPLETED": "completedAt", "CANCELLED": "cancelledAt"}.get(status)
            began_at = spells[-1][1] if spells else version["createdAt"]
            start = at if spells else version["createdAt"]
            if stamp is not None:
                claimed = version[stamp] or 0
                start = claimed if max(began_at, version["createdAt"]) <= claimed <= at else at
            spells.append((status, start))
        running = status
    return spells


def pairs_with(
    records: Iterable[Record], condition: Callable[[Record, Record], Any]
) -> list[tuple[Record, Record]]:
    return [
        (before, after)
        for versions in by_process(records).values()
        for before, after in pairwise(versions)
        if condition(before, after)
    ]


def has_ping_pong(versions: list[Record]) -> bool:
    people: list[str] = []
    for version in versions:
        if version["assignedTo"] and version["assignedTo"] not in people[-1:]:
            people.append(version["assignedTo"])
    return any(a == c for a, c in zip(people, people[2:], strict=False))
