"""What changed between two instants, process by process: what came, went, moved, and its amounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal

from .days import contains
from .open_stays import open_stays
from .versions import Procedures, Row, Version

CHANGES = {
    "open at start": 0,
    "new": 1,
    "reopened": 1,
    "restored": 1,
    "moved in": 1,
    "value up": 0,
    "value down": 0,
    "won": -1,
    "lost": -1,
    "deleted": -1,
    "moved out": -1,
    "moved on": 0,
    "moved back": 0,
    "open at end": 0,
}
_NAMES = {
    "created": "new",
    "moved_in": "moved in",
    "completed": "won",
    "cancelled": "lost",
    "moved_out": "moved out",
}
AmountAt = Callable[[str, int], Decimal | None]


def pipeline_changes(
    versions: list[Version],
    procedures: Procedures,
    procedure: str,
    first: int,
    last: int,
    *,
    as_of: int,
    amount_at: AmountAt,
) -> list[Row]:
    """One row per kind of change in one procedure; `amount_at` gives a process's amount then."""
    of_process: dict[str, list[Row]] = defaultdict(list)
    for stay in open_stays(versions, procedures, as_of=as_of):
        if stay["procedure"] == procedure:
            of_process[stay["process_id"]].append(stay)
    found: dict[str, list[Decimal | None]] = {name: [] for name in CHANGES}
    for process_id, stays in of_process.items():
        before, after = amount_at(process_id, first), amount_at(process_id, last)
        (at_first, at_last) = (
            next((stay for stay in stays if contains(stay, at)), None) for at in (first, last)
        )
        between = [stay for stay in stays if first < stay["started_at"] <= last]
        if at_first:
            found["open at start"].append(before)
            change = (after or Decimal(0)) - (before or Decimal(0))
            if change:
                found["value up" if change > 0 else "value down"].append(change)
        elif between:
            came_by = str(between[0]["began_by"])
            found[_NAMES.get(came_by, came_by)].append(after)
        if at_last:
            found["open at end"].append(after)
        elif at_first or between:
            went_by = str([s for s in stays if s["started_at"] <= last][-1]["ended_by"])
            found[_NAMES.get(went_by, went_by)].append(after)
        if at_first and at_last and at_first["state_rank"] != at_last["state_rank"]:
            is_on = at_first["state_rank"] < at_last["state_rank"]
            found["moved on" if is_on else "moved back"].append(after)
    rows: list[Row] = []
    processes, total = 0, Decimal(0)
    for step_no, (name, sign) in enumerate(CHANGES.items(), start=1):
        amounts = found[name]
        amount = sum((a for a in amounts if a is not None), Decimal(0))
        is_start = name == "open at start"
        change = amount if name.startswith("value") else sign * amount
        processes += len(amounts) if is_start else sign * len(amounts)
        total += amount if is_start else change
        rows.append(
            {
                "procedure": procedure,
                "step_no": step_no,
                "change": name,
                "processes": len(amounts),
                "change_processes": sign * len(amounts),
                "open_processes": processes,
                "amount": float(amount),
                "change_amount": float(change),
                "open_amount": float(total),
                "n_without_value": sum(a is None for a in amounts),
            }
        )
    return rows
