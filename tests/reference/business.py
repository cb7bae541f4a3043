"""Working time of stays and processes, in the calendars that applied to each process."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .changes import shown_value
from .history import process_lifecycle, status_spells
from .stays import assignments, state_visits
from .versions import Procedures, Row, Version, histories, start
from .working_time import CalendarAsWritten, read_calendars, worked_ms, working_days_ms

_CALENDARS = read_calendars(Path(__file__).parents[2] / "schemas" / "calendars")
_CHOICE = re.compile(r"case when (\w+) = (\d+) then '(\w+)' else '(\w+)' end")


def business_visits(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """`state_visits` with their working time."""
    known = calendars(versions, procedures, as_of)
    return [
        row | {"business_seconds": _worked(known, row, row["entered_at"], row["left_at"], as_of)}
        for row in state_visits(versions, procedures, as_of=as_of)
    ]


def business_assignments(
    versions: list[Version], procedures: Procedures, *, as_of: int
) -> list[Row]:
    """`assignments` with their working time."""
    known = calendars(versions, procedures, as_of)
    return [
        row | {"business_seconds": _worked(known, row, row["started_at"], row["ended_at"], as_of)}
        for row in assignments(versions, as_of=as_of)
    ]


def business_lifecycle(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """`process_lifecycle` with the latest calendar of each process and durations in working time."""
    known = calendars(versions, procedures, as_of)
    starts = {key: start(history) for key, history in histories(versions, as_of).items()}
    opened: dict[str, float] = dict.fromkeys(starts, 0.0)
    for spell in status_spells(versions, as_of=as_of):
        if spell["status"] == "OPEN":
            length = _worked(known, spell, spell["started_at"], spell["ended_at"], as_of)
            opened[spell["process_id"]] += length
    rows: list[Row] = []
    for row in process_lifecycle(versions, procedures, as_of=as_of):
        key = row["process_id"]

        def since_start(until: int | None, row: Row = row) -> float:
            return _worked(known, row, starts[row["process_id"]], until, as_of)

        first, last = row["first_completed_at"], row["last_completed_at"]
        assigned = row["first_assigned_at"]
        rows.append(
            row
            | {
                "calendar": known[key][-1].name,
                "business_resolution_seconds": None if first is None else since_start(first),
                "business_full_resolution_seconds": None
                if row["full_resolution_seconds"] is None
                else since_start(last),
                "business_open_seconds": opened[key],
                "business_age_seconds": None if row["age_seconds"] is None else since_start(None),
                "business_first_assignment_seconds": None
                if assigned is None
                else since_start(assigned),
            }
        )
    return rows


@dataclass(frozen=True)
class Stretch:
    """The time in which one calendar applies, from the version with this number on."""

    name: str
    version: int
    started_at: int
    ended_at: int | None


def calendars(
    versions: list[Version], procedures: Procedures, as_of: int
) -> dict[str, list[Stretch]]:
    """The calendars of each process, one per version: each applies until the next version."""
    found: dict[str, list[Stretch]] = {}
    for process_id, history in histories(versions, as_of).items():
        ends = [*(version["updated_at"] for version in history[1:]), None]
        found[process_id] = [
            Stretch(
                _chosen(procedures[version["procedure"]], version["data"]),
                number,
                version["updated_at"] if number else start(history),
                ended_at,
            )
            for number, (version, ended_at) in enumerate(zip(history, ends, strict=True))
        ]
    return found


class CalendarTime:
    """The working time of one calendar, as SLA clocks count it."""

    def __init__(self, calendar: CalendarAsWritten) -> None:
        self._calendar = calendar

    def between(self, started: int, ended: int) -> int:
        return worked_ms(self._calendar, started, ended)

    def reached(self, started: int, milliseconds: int) -> int | None:
        """The first instant by which so much has been worked, found by bisection."""
        low, high = started, started + 86_400_000
        while self.between(started, high) < milliseconds:
            low, high = high, high + 86_400_000
        while high - low > 1:
            middle = (low + high) // 2
            if self.between(started, middle) < milliseconds:
                low = middle
            else:
                high = middle
        return high

    def days(self, started: int, count: int) -> int:
        return working_days_ms(self._calendar, started, count)


CALENDAR_TIMES = {name: CalendarTime(calendar) for name, calendar in _CALENDARS.items()}


def _chosen(procedure: dict[str, Any], data: dict[str, Any]) -> str:
    choice = procedure.get("calendar") or "always"
    if isinstance(choice, str):
        return choice
    match = _CHOICE.fullmatch(choice["formula"])
    assert match
    (attribute,) = [a for a in procedure["attributes"] if a["short_id"] == match[1]]
    return match[3] if shown_value(data, attribute) == match[2] else match[4]


def _worked(
    known: dict[str, list[Stretch]],
    row: Row,
    started_at: int,
    ended_at: int | None,
    as_of: int,
) -> float:
    """Working time of `[started_at, ended_at)`: each part in the calendar that applied then."""
    until = as_of if ended_at is None else ended_at
    worked = 0
    for stretch in known[row["process_id"]]:
        begin = max(started_at, stretch.started_at)
        end = until if stretch.ended_at is None else min(until, stretch.ended_at)
        if begin < end:
            worked += worked_ms(_CALENDARS.get(stretch.name), begin, end)
    return worked / 1000
